import CSV
import Testing

@Suite(.timeLimit(.minutes(5))) struct CSVTests {
    private func records(_ bytes: [UInt8], delimiter: String = ",") throws -> [CSV.Record] {
        var csv = CSV(bytes, delimiter: delimiter)
        var records: [CSV.Record] = []
        while let record = try csv.next() { records.append(record) }
        return records
    }

    @Test func readsQuotesLineEndsAndCommas() throws {
        let text = "a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\n,last\rold,mac"
        let records = try records(Array(text.utf8))
        #expect(
            records.map(\.fields) == [["a", "b"], ["x, \"y\"", "two\nlines"], ["", "last"], ["old", "mac"]])
        #expect(records.map(\.line) == [1, 2, 5, 6])
    }

    @Test func aByteOrderMarkIsNoPartOfTheText() throws {
        #expect(try records([0xEF, 0xBB, 0xBF] + Array("a,b".utf8)).map(\.fields) == [["a", "b"]])
    }

    @Test(arguments: [
        ("a\tb,c\td", "\t", ["a", "b,c", "d"]), ("1::2::5", "::", ["1", "2", "5"]), ("1:2;3", ";", ["1:2", "3"]),
        ("\"a;b\",c", ",", ["a;b", "c"]), ("\n\na;b", ";", ["a", "b"]), ("alone", ",", ["alone"]), ("", ",", []),
    ])
    func findsTheDelimiterOfTheFirstLine(text: String, delimiter: String, fields: [String]) throws {
        let bytes = Array(text.utf8)
        #expect(CSV.delimiter(of: bytes) == delimiter)
        #expect(try records(bytes, delimiter: delimiter).first?.fields ?? [] == fields)
    }

    @Test(arguments: [
        ([0x61, 0x0A, 0xE9, 0x2C, 0x62], CSV.Malformed.notUTF8(line: 2)), ([0x61, 0x00], .notUTF8(line: 1)),
        (Array("a\n\"b\nc".utf8), .openQuote(line: 2)), (Array("\"a\"b".utf8), .afterQuote(line: 1)),
    ])
    func refusesOtherText(bytes: [UInt8], error: CSV.Malformed) {
        #expect(throws: error) { try records(bytes) }
    }
}
