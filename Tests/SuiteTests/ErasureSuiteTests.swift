import FoundationEssentials
import NIOHTTP1
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Erasures while other things are under way.
extension SuiteTests {
    @Test func aSelfieThatWaitsWhileItsPersonIsErasedMakesNobody() async throws {
        let image = try Photos.biden
        let met = try await client.selfie(image, query: "?as=new").decode(Selfie.self)
        let user = try #require(met.user.id)

        try await suite.signal(SIGSTOP, to: "vision")
        var jobs: [String] = []
        for query in ["", "?as=new"] { jobs.append(try await client.acceptedSelfie(image, query: query)) }
        let erased = try await client.send(.DELETE, "/v1/users/\(user)")
        try await suite.signal(SIGCONT, to: "vision")
        #expect(erased.status == 204, "\(UnexpectedResponse(erased))")

        for job in jobs {
            let person = try #require(try await client.result(of: job).result).user
            #expect(person.status == "uncertain" && person.reason == "erased_meanwhile", "\(person)")
            #expect(person.id == nil)
        }
        let back = try await client.selfie(image, query: "?as=new").decode(Selfie.self)
        #expect(back.user.status == "new")
        #expect(back.user.id != user)
        try await suite.becomesReady()
    }

    @Test func deletingIdsThatNobodyWasGivenLeavesNothing() async throws {
        let tables = [
            "identity.erased", "identity.erased_jobs", "recommender.erased", "gateway.erased", "gateway.jobs",
        ]
        let before = try await rowCounts(tables)
        for _ in 1...20 {
            let erased = try await client.send(.DELETE, "/v1/users/\(UUID().uuidString.lowercased())")
            #expect(erased.status == 204, "\(UnexpectedResponse(erased))")
        }
        // What others left may be cleared away meanwhile.
        for (table, (before, after)) in zip(tables, zip(before, try await rowCounts(tables))) {
            #expect(after <= before, "\(table)")
        }
    }

    private func rowCounts(_ tables: [String]) async throws -> [Int] {
        let counts = tables.map { "(SELECT count(*) FROM \($0))" }.joined(separator: ", ")
        return try await suite.sql("SELECT \(counts)").flatMap { $0.split(separator: "|").compactMap { Int($0) } }
    }
}
