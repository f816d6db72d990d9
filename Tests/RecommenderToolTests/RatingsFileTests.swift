import CSV
import Foundation
import ImplicitALS
import RecommenderTool
import Testing

@Suite(.timeLimit(.minutes(5))) struct RatingsFileTests {
    private func file(_ text: String, _ columns: String? = nil) throws -> RatingsFile {
        try RatingsFile(csv: Array(text.utf8), columns: columns.map { try RatingsColumns($0) })
    }

    @Test func readsNamesCountsAndRepetitions() throws {
        let file = try file("user,item,count\na,x,2\na,y,1\nb,x,1\na,x,3\nb,z,0\nb,z,4\nc,z\n")
        #expect(file.users == ["a", "b", "c"])
        #expect(file.items == ["x", "y", "z"])
        #expect(file.ratings.byUser.columns == [0, 1, 0, 2, 2])
        #expect(file.ratings.byUser.values == [5, 1, 1, 4, 1])
    }

    /// As the files of MovieLens, Last.fm, RetailRocket and spreadsheets are.
    @Test(arguments: [
        "userId,movieId,rating,timestamp\na,x,2,964982703\nb,y,1,964981247\n",
        "timestamp,visitorid,event,itemid,count\n1433221332117,a,view,x,2\n1433224214164,b,view,y,1\n",
        "a::x::2::978300760\nb::y::1::978302109\n",
        "a\tx\t2\t881250949\r\nb\ty\t1\t891717742\r\n",
        "userID\tartistID\tweight\na\tx\t2\nb\ty\t1",
        "\u{FEFF}User ID;Item ID;Count\n\"a\";\"x\";2\n\"b\";\"y\";1\n",
        "user,item,count,time\na, x ,2,2026-11-27\nb,y, 1 ,2026-11-28\n",
    ])
    func readsFilesAsPeopleHaveThem(text: String) throws {
        let file = try file(text)
        #expect(file.users == ["a", "b"])
        #expect(file.items == ["x", "y"])
        #expect(file.ratings.byUser.values == [2, 1])
    }

    @Test func namedOrNumberedColumnsAreTaken() throws {
        let named = try file("who,price,what,how often\na,9,x,2\nb,8,y,1\n", "user=who,item=what,count=how often")
        let numbered = try file("a,9,x,2\nb,8,y,1\n", "count=4, item=3, user=1")
        for file in [named, numbered] {
            #expect(file.users == ["a", "b"])
            #expect(file.items == ["x", "y"])
            #expect(file.ratings.byUser.values == [2, 1])
        }
    }

    @Test(arguments: ["user=a", "user=a,item=", "user=1,item=0", "user=1,item=2,stars=3", "user=1,user=2,item=3", ""])
    func refusesOtherMappings(text: String) {
        #expect(throws: RatingsColumns.Invalid.self) { try RatingsColumns(text) }
    }

    @Test(arguments: [
        ("a,x,1\nb\n", RatingsFile.InvalidFile.columns(line: 2, found: 1, wanted: 3)),
        ("a,x\nb,y\nc,z,1\n", .columns(line: 3, found: 3, wanted: 2)),
        ("a,x,1\n\nb,y,-1\n", .count(line: 3, "-1")), ("a,x,1\nb,y,q\n", .count(line: 2, "q")),
        ("a,x,1\nb,y,nan\n", .count(line: 2, "nan")), ("a,x,1\nb,y,\n", .count(line: 2, "")),
        ("a,x,1\n,y,1\n", .emptyName(line: 2)), ("a,x\n\"two\nlines\",y\nb,\" \"\n", .emptyName(line: 4)),
        ("a,x,1,9\nb,y,1,yesterday\n", .time(line: 2, "yesterday")),
        ("customer,sku,quantity\na,x,1\n", .unknownColumns(["customer", "sku", "quantity"])),
        ("userId,sku\na,x\n", .unknownColumns(["userId", "sku"])),
        ("a,x,1,2,3\n", .unknownColumns(["a", "x", "1", "2", "3"])),
        ("user,item,count\n", .empty), ("", .empty), ("a,x,0\n", .empty),
        ("a,x\nb,\"y\n", .malformed(.openQuote(line: 2))),
    ])
    func refusesOtherFiles(text: String, error: RatingsFile.InvalidFile) {
        #expect(throws: error) { try file(text) }
    }

    @Test func refusesOtherEncodings() {
        let text = "user,item\nJosé,x\n"
        for (encoding, error) in [
            (.utf16, RatingsFile.InvalidFile.encoding("UTF-16")), (.utf16LittleEndian, .malformed(.notUTF8(line: 1))),
            (.isoLatin1, .malformed(.notUTF8(line: 2))),
        ] as [(String.Encoding, RatingsFile.InvalidFile)] {
            #expect(throws: error) { try RatingsFile(csv: Array(text.data(using: encoding) ?? Data())) }
        }
    }

    @Test func columnsThatAreNotThereAreNamed() {
        #expect(throws: RatingsFile.InvalidFile.noColumn("b")) { try file("a,c\n1,2\n", "user=a,item=b") }
        #expect(throws: RatingsFile.InvalidFile.noColumn("3")) { try file("1,2\n", "user=1,item=3") }
    }

    @Test func aFileThatIsNotThereIsNamed() {
        #expect(throws: RatingsFile.InvalidFile.unreadable("/no/such/file")) { try RatingsFile(path: "/no/such/file") }
    }

    @Test func holdsBackTheLastOrAFifth() throws {
        let lines = (0..<3).flatMap { user in (0..<10).map { "\(user),\($0),1" } } + ["alone,0,1"]
        let file = try file(lines.joined(separator: "\n"))
        let last = try file.split(.last, seed: 1)
        #expect(last.heldBack.columns == [9, 9, 9])
        #expect(last.training.count == 28)
        let fifth = try file.split(.fifth, seed: 1)
        #expect(fifth.heldBack.columns.count == 6)
        #expect(fifth.training.count == 25)
        #expect(try fifth.heldBack == file.split(.fifth, seed: 1).heldBack)
        #expect(try fifth.heldBack != file.split(.fifth, seed: 2).heldBack)
    }

    @Test func theLastIsByTimeWhereThereIsOne() throws {
        let byTime = try file("user,item,time\na,x,3\na,y,2026-01-01\na,z,1\n").split(.last, seed: 1)
        #expect(byTime.heldBack.columns == [1])
        // Of a repeated item the last line counts.
        let byLine = try file("a,x\na,y\na,z\na,x\n").split(.last, seed: 1)
        #expect(byLine.heldBack.columns == [0])
        #expect(byLine.training.byUser.columns == [1, 2])
    }

    /// A log has a line an event. What is held back must not be in the training under another line: no list can find it there.
    @Test(arguments: HoldOut.allCases)
    func anEventLogIsSplitByPairs(holdOut: HoldOut) throws {
        let pairs = (0..<20).flatMap { user in (0..<10).map { "\(user),\((user + $0 * 3) % 30)" } }
        let log = pairs.flatMap { Array(repeating: $0, count: 3) } + pairs.reversed()
        let evaluation = try file(log.joined(separator: "\n")).split(holdOut, seed: 1)
        for user in 0..<20 {
            let training = Set(evaluation.training.byUser.columns[evaluation.training.byUser.range(of: user)])
            let heldBack = Set(evaluation.heldBack.columns[evaluation.heldBack.range(of: user)])
            #expect(training.isDisjoint(with: heldBack))
            #expect(training.count + heldBack.count == 10)
            #expect(heldBack.count == (holdOut == .last ? 1 : 2))
        }
        #expect(evaluation.training.byUser.values.allSatisfy { $0 == 4 })
        let summed = try file(pairs.joined(separator: "\n")).split(.fifth, seed: 1)
        if holdOut == .fifth { #expect(evaluation.heldBack.columns == summed.heldBack.columns) }
    }

    @Test func nobodyHeldBackIsAnError() throws {
        let file = try file("a,x\na,x\nb,y\n")
        for holdOut in HoldOut.allCases {
            #expect(throws: EngineError.nobodyHeldBack) { try file.split(holdOut, seed: 1) }
        }
        let stranger = try self.file("c,x\n")
        #expect(throws: EngineError.nobodyHeldBack) { try file.evaluation(heldBack: stranger) }
    }

    @Test func aSecondFileIsWhatIsHeldBack() throws {
        let training = try file("a,x,1\nb,y,1\n")
        let evaluation = try training.evaluation(heldBack: file("b,x,1\nb,unknown,1\nstranger,x,1\n"))
        #expect(evaluation.heldBack.offsets == [0, 0, 2])
        #expect(evaluation.heldBack.columns[0] == 0)
        // What training lacks can't be found, and counts as missed.
        #expect(evaluation.measure { _ in [0] }.recall20 == 0.5)
    }
}

@Suite(.timeLimit(.minutes(5))) struct TimestampTests {
    @Test(arguments: [
        ("964982703", 964_982_703), (" 1.5e3 ", 1500), ("1970-01-02", 86_400), ("2026-11-27", 1_795_737_600),
        ("2000-02-29 00:00:01", 951_782_401), ("2026-11-27T18:20:05Z", 1_795_803_605),
        ("2026-11-27 18:20:05.25", 1_795_803_605.25), ("2026-11-27T18:20+01:30", 1_795_798_200),
        ("2026-11-27T18:20:00-0100", 1_795_807_200), ("1969-12-31", -86_400), ("1900-03-01", -2_203_891_200),
    ])
    func readsNumbersAndDates(text: String, value: Double) {
        #expect(Timestamp(text)?.value == value)
    }

    @Test(arguments: [
        "", "yesterday", "2026-13-01", "2026-1-1", "2026-11-27T", "2026-11-27 18", "nan", "2026-11-27 18:20+",
    ])
    func refusesOtherTexts(text: String) {
        #expect(Timestamp(text) == nil)
    }
}
