import FoundationEssentials
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension SuiteTests {
    /// What the supervisor does for the broker, the database and the logs.
    @Suite(.serialized)
    struct SupervisionTests {
        let suite = RunningSuite.current
        var client: SuiteClient { SuiteClient(address: suite.address) }

        @Test(arguments: ["broker", "database"])
        func aKilledPartComesBackByItself(_ part: String) async throws {
            let job = try await client.acceptedSelfie(try Photos.obama)
            try await suite.script(part, "kill")
            #expect(try await becomesTrue { try await client.selfie(try Photos.obama).status == 200 })
            #expect(try await client.result(of: job).state == "done")
            try await suite.becomesReady()
        }

        @Test func statusSaysWhatIsDownAndSinceWhen() async throws {
            try await suite.script("database", "stop")
            #expect(
                try await becomesTrue {
                    let failure = await #expect(throws: ScriptFailure.self) {
                        try await suite.script("suite", "status")
                    }
                    return failure?.output.contains(
                        /database +down since [-0-9]+ [:0-9]+, \d+ s ago \(stopped by hand\)/)
                        == true
                })
            try await suite.script("database", "start")
            try await suite.becomesReady()
            #expect(try await suite.script("suite", "status").contains(/database +running/))
        }

        @Test func nothingIsLeftOfASupervisorThatWasKilled() async throws {
            let state = try suite.supervisor()
            let children = state.parts + state.services
            #expect(children.count == 8)
            kill(pid_t(state.pid), SIGKILL)
            // A process that nobody reaps yet counts as ended.
            #expect(
                try await becomesTrue {
                    children.allSatisfy { child in
                        guard let stat = try? String(contentsOfFile: "/proc/\(child.pid)/stat", encoding: .utf8)
                        else { return true }
                        return stat.contains(") Z ")
                    }
                })
            try await suite.script("suite", "start")
            #expect(try await client.selfie(try Photos.obama).status == 200)
        }

        @Test(arguments: ["broker", "database", "gateway"])
        func aLongLogIsPutAsideWhileItIsWritten(_ name: String) async throws {
            let log = "\(suite.home)/log/\(name).log"
            let line = String(repeating: "x", count: 99) + "\n"
            let file = open(log, O_WRONLY | O_APPEND)
            let bytes = Array(String(repeating: line, count: 200_001).utf8)
            #expect(write(file, bytes, bytes.count) == bytes.count)
            close(file)
            #expect(
                try await becomesTrue {
                    try size(log) < 20_000_000 && size(log + ".1") >= bytes.count
                })
            // Who writes goes on at the beginning of the file.
            switch name {
            case "broker":
                try await suite.script("broker", "ctl", "close_all_connections", "--vhost", "mien", "to have it logged")
                try await suite.becomesReady()
            case "database": _ = try? await suite.sql("SELECT no_such_column")
            default: #expect(try await client.selfie(try Photos.obama).status == 200)
            }
            #expect(try await becomesTrue { try size(log) > 0 })
            #expect(try size(log) < 20_000_000)
        }

        private func size(_ path: String) throws -> Int {
            var status = stat()
            guard stat(path, &status) == 0 else { throw Missing(path: path) }
            return Int(status.st_size)
        }

        private struct Missing: Error {
            let path: String
        }
    }
}
