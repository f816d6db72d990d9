package import Hummingbird
package import Messages

/// The cookie that remembers whom this browser's selfies showed, out of reach of scripts and of other sites.
///
/// It is a person's only handle to what is kept of them, so that a picture which tells nobody leaves it as it is, and one that
/// tells somebody else comes before the earlier ones: who was taken for somebody new finds the way to both profiles.
package struct PersonCookie: Sendable {
    package static let name = "mien_user"

    /// How many people it remembers.
    package static let limit = 16

    /// Whether browsers may send it over HTTPS only.
    package var secure: Bool

    package init(secure: Bool) {
        self.secure = secure
    }

    /// Whom the last selfie that told it showed.
    package func person(in request: Request) -> UserID? {
        people(in: request).first
    }

    /// Whom a path means: a user id, or `me`.
    ///
    /// - Throws: `malformedRequest`; `unknownUser` for `me` without a selfie.
    func user(_ text: String?, in request: Request) throws(Failure) -> UserID {
        guard text == "me" else {
            guard let user = text.flatMap({ UserID($0) }) else {
                throw Failure(.malformedRequest, "A user id is a UUID, or me.")
            }
            return user
        }
        guard let user = person(in: request) else {
            throw Failure(.unknownUser, "No selfie has told yet who you are.")
        }
        return user
    }

    /// Everybody whom this browser's selfies showed, the last first.
    package func people(in request: Request) -> [UserID] {
        guard let cookie = request.cookies[Self.name] else { return [] }
        return cookie.value.split(separator: ".").prefix(Self.limit).compactMap { UserID(String($0)) }
    }

    /// Remembers people, the last first, for half a year; nobody forgets whoever was remembered.
    package func set(_ people: [UserID], on response: inout Response) {
        response.setCookie(
            Cookie(
                name: Self.name, value: people.prefix(Self.limit).map(\.description).joined(separator: "."),
                maxAge: people.isEmpty ? 0 : 15_552_000, path: "/", secure: secure, httpOnly: true, sameSite: .strict))
    }
}
