import Hummingbird
package import HummingbirdCore
package import Messages

extension SelfieRequest {
    /// What a request's query says beside the picture.
    ///
    /// - Throws: `malformedRequest`.
    package init(_ uri: URI) throws(Failure) {
        let query = uri.queryParameters
        self.init()
        if let text = query["playing"] {
            guard let video = VideoID(String(text)) else {
                throw Failure(.malformedRequest, "The parameter playing is a video id: eleven letters, digits, - or _.")
            }
            let session = query["session"].map(String.init) ?? ""
            guard session.utf8.count <= 64, session.utf8.allSatisfy(Self.isSessionByte) else {
                throw Failure(.malformedRequest, "The parameter session is up to 64 letters, digits, dots, - or _.")
            }
            watching = Watching(video: video, session: session)
        }
        if let text = query["as"] {
            guard text == "new" else { throw Failure(.malformedRequest, "The parameter as can only be new.") }
            declaredNew = true
        }
    }

    private static func isSessionByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
