import FoundationEssentials
import NIOHTTP1
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension SuiteTests {
    /// What the disk holds, and who may read it.
    @Suite(.serialized)
    struct AtRestTests {
        let suite = RunningSuite.current
        var client: SuiteClient { SuiteClient(address: suite.address) }

        @Test func theStateFolderIsItsUsersAlone() throws {
            for path in try files(folders: true) {
                var status = stat()
                guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else { continue }
                #expect(status.st_mode & 0o007 == 0, "\(path)")
                // Root's suite lets the database's user pass through the folder itself.
                #expect(status.st_mode & 0o070 == (path == suite.home && getuid() == 0 ? 0o010 : 0), "\(path)")
            }
        }

        @Test func anErasedPersonLeavesTheDisk() async throws {
            let marker = Data((0..<48).map { _ in UInt8.random(in: 1...255) })
            let picture = commented(try Photos.biden, marker)
            // While nobody works the picture waits in the broker: the search finds it.
            try await suite.signal(SIGSTOP, to: "vision")
            let job = try await client.acceptedSelfie(picture, query: "?as=new")
            #expect(try await becomesTrue { try !holding(marker).isEmpty })
            try await suite.signal(SIGCONT, to: "vision")
            let user = try #require(try await client.result(of: job).result?.user.id)
            #expect(try await client.selfie(picture).decode(Selfie.self).user.id == user)
            let hex = try await suite.sql(
                "SELECT encode(template, 'hex') FROM identity.faces WHERE user_id = '\(user)'")
            let template = try #require(hex.first.flatMap { Data(hexadecimal: $0) })
            try await suite.script("database", "psql", "-c", "CHECKPOINT")
            #expect(try !holding(template.prefix(64)).isEmpty)

            #expect(try await client.send(.DELETE, "/v1/users/\(user)").status == 204)
            // In a message a template is numbers.
            let numbers = template.prefix(20).words.map { "\(Float(bitPattern: $0))" }.joined(separator: ",")
            let traces = [
                marker, template.prefix(64), template.dropFirst(1000).prefix(64), template.suffix(40),
                Data(numbers.utf8),
            ]
            for part in traces {
                var left: [String] = []
                _ = try await becomesTrue(within: .seconds(90)) {
                    left = try holding(part)
                    return left.isEmpty
                }
                #expect(left == [])
            }
            #expect(try await client.selfie(try Photos.biden).status == 200)
        }

        @Test func logsNameNeitherTheJobNorThePerson() async throws {
            let location = try await client.acceptedSelfie(try Photos.obama)
            let result = try #require(try await client.result(of: location).result)
            let user = try #require(result.user.id)
            let lines = try await suite.script("logs", result.job)
            #expect(lines.contains("\"service\":\"gateway\""))
            for text in [result.job, user] {
                #expect(try holding(Data(text.utf8)).filter { $0.contains("/log/") } == [])
            }
        }

        // MARK: Searching

        /// The files, of the whole state folder, in which these bytes stand one behind the other.
        private func holding(_ bytes: Data) throws -> [String] {
            let sought = Array(bytes)
            return try files(folders: false).filter { path in
                // What is deleted meanwhile holds nothing.
                guard let content = try? Data(contentsOf: URL(filePath: path)) else { return false }
                return content.withUnsafeBytes { contains($0, sought) }
            }
        }

        private func contains(_ content: UnsafeRawBufferPointer, _ sought: [UInt8]) -> Bool {
            guard var next = content.baseAddress else { return false }
            let last = next + content.count - sought.count
            while next <= last, let found = memchr(next, Int32(sought[0]), last - next + 1) {
                if memcmp(found, sought, sought.count) == 0 { return true }
                next = UnsafeRawPointer(found) + 1
            }
            return false
        }

        /// Everything in the state folder and where its links lead.
        private func files(folders: Bool) throws -> [String] {
            var found = folders ? [suite.home] : []
            var pending = [suite.home]
            while let folder = pending.popLast() {
                for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                    let path = "\(folder)/\(name)"
                    var status = stat()
                    guard stat(path, &status) == 0 else { continue }
                    let isFolder = status.st_mode & S_IFMT == S_IFDIR
                    if isFolder { pending.append(path) }
                    if isFolder == folders || folders { found.append(path) }
                }
            }
            return found
        }

        /// A JPEG with a comment, which no decoder looks at.
        private func commented(_ jpeg: Data, _ comment: Data) -> Data {
            let length = comment.count + 2
            return jpeg.prefix(2) + [0xFF, 0xFE, UInt8(length >> 8), UInt8(length & 0xFF)] + comment + jpeg.dropFirst(2)
        }
    }
}

extension Data {
    /// Little-endian, of four bytes each.
    fileprivate var words: [UInt32] {
        stride(from: 0, to: count - 3, by: 4).map { offset in
            (0..<4).reduce(0) { $0 | UInt32(self[startIndex + offset + $1]) << (8 * UInt32($1)) }
        }
    }

    /// The bytes that two hexadecimal digits each stand for.
    fileprivate init?(hexadecimal text: String) {
        let digits = Array(text)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
        guard bytes.allSatisfy({ $0 != nil }) else { return nil }
        self.init(bytes.compactMap { $0 })
    }
}
