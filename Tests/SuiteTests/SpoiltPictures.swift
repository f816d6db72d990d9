import FoundationEssentials
import NIOHTTP1
import PictureFuzz
import Testing

extension SuiteTests {
    /// A short part of `make fuzz`.
    @Test func spoiltPicturesHarmNobody() async throws {
        try await suite.becomesReady()
        let workers = try await suite.script("suite", "processes", "vision").split(separator: "\n")
            .compactMap { Int($0) }.map(WorkerProcess.init)
        #expect(workers.count == 2)
        let fuzz = try await PictureFuzz(try PictureMutations(seed: 1), count: 300, workers: workers) { picture in
            try await client.send(
                .POST, "/v1/analyses", headers: ["Content-Type": "application/octet-stream"], body: picture
            ).status
        }
        #expect(fuzz.failed.isEmpty, "\(fuzz.statuses)")
        #expect(fuzz.lostWorkers == 0)
        // Two seconds of the limit, and what it does not count.
        #expect(fuzz.heaviest.seconds < 2.5, "picture \(fuzz.heaviest.picture)")
        #expect(fuzz.growth < 100, "\(fuzz.peak) MB at most")
        // Some were whole enough to be looked at, and some were not.
        #expect(fuzz.statuses[200] != nil && fuzz.statuses[422] != nil, "\(fuzz.statuses)")
    }
}
