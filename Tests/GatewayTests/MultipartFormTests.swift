import Foundation
import Gateway
import Testing

@Suite(.timeLimit(.minutes(5))) struct MultipartFormTests {
    private func form(_ text: String, boundary: String = "b") throws(MultipartError) -> MultipartForm {
        try MultipartForm(Data(text.utf8), boundary: boundary)
    }

    private func field(_ head: String, _ content: String) -> String { "--b\r\n\(head)\r\n\r\n\(content)\r\n--b--" }

    @Test func readsFieldsByteForByte() throws {
        let text = """
            preamble\r
            --b \r
            content-disposition: form-data; name="a"\r
            \r
            one\r
            \r
            --c\r
            --b\r
            Content-Type: image/jpeg; x="y;z"\r
            Content-Disposition: form-data; filename="a \\"b\\";.jpg"; name=image\r
            \r
            \r
            --b--\r
            epilogue
            """
        let form = try form(text)
        #expect(form.fields.count == 2)
        #expect(form.fields[0].name == "a")
        #expect(form.fields[0].content == Data("one\r\n\r\n--c".utf8))
        #expect(form.fields[1].name == "image")
        #expect(form.fields[1].type == "image/jpeg; x=\"y;z\"")
        #expect(form.fields[1].content.isEmpty)
    }

    @Test func everyByteMayBeInAPicture() throws {
        let bytes = Data((0...255).map { UInt8($0) } + Array("\r\n--".utf8) + Array("--b".utf8))
        let body =
            Data("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n".utf8) + bytes + Data("\r\n--b--".utf8)
        #expect(try MultipartForm(body, boundary: "b").fields[0].content == bytes)
    }

    @Test func aSliceOfDataIsReadTheSame() throws {
        let whole = Data(("xxxx" + field("Content-Disposition: form-data; name=image", "X")).utf8)
        #expect(try MultipartForm(whole.dropFirst(4), boundary: "b").fields[0].content == Data("X".utf8))
    }

    @Test func aFormMayBeEmpty() throws {
        #expect(try form("--b--").fields.isEmpty)
    }

    @Test(arguments: ["", String(repeating: "b", count: 71), "b ", "b\r\n", "ü"])
    func refusesBoundariesThatAreNone(_ boundary: String) {
        #expect(throws: MultipartError.badBoundary) { try form("--b--", boundary: boundary) }
    }

    @Test(arguments: [
        ("", MultipartError.noDelimiter), ("nothing", .noDelimiter), ("--bx\r\n", .badDelimiter),
        ("--b", .badDelimiter),
        ("--b\n", .bareLineFeeds), ("--b\r\n", .notClosed), ("x\n--b\n", .bareLineFeeds),
        ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nX", .notClosed),
        ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nX\n--b--", .bareLineFeeds),
        ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nX\r\n--b", .badDelimiter),
    ])
    func refusesBrokenStructure(_ text: String, _ error: MultipartError) {
        #expect(throws: error) { try form(text) }
    }

    @Test(arguments: [
        ("X", MultipartError.badHeaders), ("Content-Type: image/png", .unnamedField),
        ("Content-Disposition: attachment; name=a", .unnamedField), ("Content-Disposition: form-data", .unnamedField),
        ("Content-Disposition: form-data; name=\"a", .unnamedField),
        ("Content-Disposition: form-data; filename=a", .unnamedField),
        ("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", .unnamedField),
        ("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/c", .badHeaders),
        ("Content-Disposition: form-data; name=a; name=b", .unnamedField),
        ("Content-Disposition: form-data; name=a\nX: y", .badHeaders),
        ("X: " + String(repeating: "y", count: 5000), .badHeaders),
    ])
    func refusesBrokenFields(_ head: String, _ error: MultipartError) {
        #expect(throws: error) { try form(field(head, "content")) }
    }

    @Test(arguments: [
        "filename=\"a.jpg\"", "filename=my photo.jpg", "filename=\u{e9}t\u{e9}.jpg", #"filename="a"b.jpg""#,
        #"filename="C:\dir\""#, "filename=\"\"", "filename*=UTF-8''%e2%82%ac.jpg", "filename=", "filename",
        "filename=\"; name=\\\"x\\\"\"", "x=\"y", ";;",
    ])
    func theNameOfAFileDecidesNothing(_ parameter: String) throws {
        let fields = try form(field("Content-Disposition: form-data; name=\"image\"; \(parameter)", "X")).fields
        #expect(fields.map(\.name) == ["image"])
        #expect(fields[0].content == Data("X".utf8))
    }

    @Test func theNameOfAFileMayBeInAnyEncoding() throws {
        var body = Data("--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"".utf8)
        body += [0xe9, 0x74, 0xe9] + Data(".jpg\"\r\n\r\nX\r\n--b--".utf8)
        #expect(try MultipartForm(body, boundary: "b").fields.first?.name == "image")
    }

    @Test func aHeaderMayGoOnInTheNextLine() throws {
        let fields = try form(field("Content-Disposition: form-data;\r\n\tname=\"image\";\r\n filename=x", "X")).fields
        #expect(fields[0].name == "image" && fields[0].filename == "x")
    }

    @Test(arguments: [("binary", nil), ("8BIT", nil), ("7bit", nil), ("base64", "base64")] as [(String, String?)])
    func anEncodingIsKeptWhereItChangesBytes(_ sent: String, _ kept: String?) throws {
        let head = "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: \(sent)"
        #expect(try form(field(head, "X")).fields[0].encoding == kept)
    }

    @Test func aFieldWithoutHeadersHasNoName() {
        #expect(throws: MultipartError.unnamedField) { try form("--b\r\n\r\ncontent\r\n--b--") }
    }

    @Test func refusesMoreFieldsThanAFormNeeds() {
        let field = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nX\r\n"
        #expect(throws: MultipartError.tooManyFields) { try form(String(repeating: field, count: 17) + "--b--") }
    }

    /// Whatever prefix or single change of a good form comes, reading it ends with a form or a reason.
    @Test func survivesDamage() {
        let good = Data(
            field("Content-Disposition: form-data; name=\"image\"; filename=\"x\"\r\nContent-Type: image/png", "PIXELS")
                .utf8)
        for length in 0...good.count { _ = try? MultipartForm(good.prefix(length), boundary: "b") }
        for index in 0..<good.count {
            for byte in [0, 0x0a, 0x0d, 0x22, 0x2d, 0x3b, 0xff] as [UInt8] {
                var damaged = good
                damaged[index] = byte
                _ = try? MultipartForm(damaged, boundary: "b")
            }
        }
    }
}
