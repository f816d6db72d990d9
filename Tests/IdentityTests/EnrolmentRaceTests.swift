import Database
import DatabaseTesting
import Messages
import ModelManifest
import Synchronization
import Testing

@testable import Identity

/// Many enrol at once on several workers.
@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(10)))
struct EnrolmentRaceTests {
    /// A thousand people who are far from each other, and one of whom two hundred pictures are sent.
    @Test func sixteenClientsOnFourWorkersMakeEverybodyOnceAndLoseNobody() async throws {
        var generator = SystemRandomNumberGenerator()
        let strangers = (0..<1000).map { _ in unitVector(&generator) }
        let one = unitVector(&generator)
        var order = Array(strangers.indices) + [Int](repeating: -1, count: 200)
        order.shuffle(using: &generator)
        let pictures = order
        let next = Next()
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) {
                try await $0.migrate(schema: Schema.name, Schema.migrations)
            }
            let people = try await withThrowingTaskGroup(of: [(Int, Person)].self) { workers in
                for _ in 0..<4 {
                    workers.addTask {
                        try await TestDatabase.withPool(of: address) { database in
                            let recogniser = try raceRecogniser(database)
                            return try await withThrowingTaskGroup(of: [(Int, Person)].self) { clients in
                                for _ in 0..<4 {
                                    clients.addTask {
                                        var answers: [(Int, Person)] = []
                                        while let batch = next.take(5, of: pictures.count) {
                                            let faces = batch.map { pictures[$0] }
                                            let probes = faces.map { candidate($0 < 0 ? one : strangers[$0]) }
                                            for (face, person) in zip(faces, await recogniser.recognise(probes)) {
                                                answers.append((face, try person.get()))
                                            }
                                        }
                                        return answers
                                    }
                                }
                                return try await clients.reduce(into: []) { $0 += $1 }
                            }
                        }
                    }
                }
                // Starts while the others enrol, again and again: whoever was there before it began is known when it is ready.
                while next.taken < pictures.count {
                    try await TestDatabase.withPool(of: address) { database in
                        let before = try await users(in: database)
                        let late = try raceRecogniser(database)
                        try await late.catchUp()
                        #expect(await late.isLoaded)
                        #expect(await late.count >= before)
                    }
                }
                return try await workers.reduce(into: []) { $0 += $1 }
            }
            #expect(people.count == pictures.count)
            #expect(people.filter { $0.0 >= 0 }.allSatisfy { $0.1.standing == .new })
            #expect(Set(people.map(\.1.user)).count == 1001)
            #expect(people.filter { $0.0 < 0 && $0.1.standing == .new }.count == 1)
            #expect(Set(people.filter { $0.0 < 0 }.map(\.1.user)).count == 1)
            try await TestDatabase.withPool(of: address) { database in
                #expect(try await users(in: database) == 1001)
                let fresh = try raceRecogniser(database)
                let users = Dictionary(people.map { ($0.0, $0.1.user) }, uniquingKeysWith: { first, _ in first })
                let found = await fresh.recognise(strangers.map { candidate($0) })
                #expect(try found.enumerated().allSatisfy { try $1.get().user == users[$0] })
            }
        }
    }

    private func raceRecogniser(_ database: Database) throws -> Recogniser {
        Recogniser(database: database, current: KnownPeople(network: try identityNetwork(width: 512), cohort: nil))
    }

    private func unitVector(_ generator: inout SystemRandomNumberGenerator) -> [Float] {
        let values = (0..<512).map { _ in Float.random(in: -1...1, using: &generator) }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
    }
}

/// Hands out pictures, each once, to whoever asks.
private final class Next: Sendable {
    private let first = Mutex(0)

    var taken: Int { first.withLock { $0 } }

    func take(_ count: Int, of all: Int) -> Range<Int>? {
        first.withLock { first in
            guard first < all else { return nil }
            defer { first = min(first + count, all) }
            return first..<min(first + count, all)
        }
    }
}
