import Foundation
import Messages
import Testing

@testable import Broker

@Suite(
    .enabled(if: VirtualHost.isGiven, "MIEN_TEST_BROKER and MIEN_TEST_BROKER_API name no broker"),
    .timeLimit(.minutes(2)))
struct StageTests {
    private let fact = ErasureRequested(user: .random())

    /// Publisher, answers and stages, all connected.
    private struct Suite {
        var host: VirtualHost
        var publisher: Publisher
        var answers: Answers
        var gateway: GatewayID

        /// Submits an interactive erasure and waits for its answer.
        func ask(_ fact: ErasureRequested, header: JobHeader? = nil) async throws(BrokerError) -> Envelope {
            let header = header ?? .sample(gateway: gateway)
            return try await answers.answer(for: header.job, until: header.deadline ?? .distantFuture) {
                () throws(BrokerError) in
                try await publisher.submit(fact, header: header)
            }
        }
    }

    @discardableResult
    private func withSuite<Result: Sendable>(
        _ stages: [(StageName, StageSettings, Handler)], _ body: (Suite) async throws -> Result
    ) async throws -> Result {
        try await VirtualHost.run { host in
            let gateway = GatewayID.random()
            let publisher = Publisher(address: host.address, logger: .silent)
            let answers = Answers(gateway: gateway, address: host.address, logger: .silent)
            let stages = stages.map { name, settings, handler in
                Stage(
                    name: name, address: host.address, publisher: publisher, settings: settings, handler: handler,
                    logger: .silent)
            }
            return try await running([publisher, answers] + stages) {
                try await eventually("connected") {
                    publisher.isConnected && answers.isConnected && stages.allSatisfy(\.isConnected)
                }
                return try await body(Suite(host: host, publisher: publisher, answers: answers, gateway: gateway))
            }
        }
    }

    private func failure(in envelope: Envelope) throws -> Failure {
        try envelope.decode(Failure.self)
    }

    // MARK: Trips

    @Test func anInteractiveJobPassesTwoStagesAndIsAnswered() async throws {
        try await withSuite([(.identity, .init(), .passing), (.recommender, .init(), .passing)]) { suite in
            let answer = try await suite.ask(fact)
            #expect(try answer.decode(ErasureRequested.self) == fact)
            #expect(answer.header.timings.map(\.stage) == [.identity, .recommender])
            #expect(answer.header.timings.allSatisfy { $0.queued >= 0 && $0.worked >= 0 })
            for queue in Queue.shared {
                #expect(try await suite.publisher.depth(of: queue).ready == 0)
            }
        }
    }

    @Test func anAcceptedJobsResultComesToTheResultsStage() async throws {
        let results = Log()
        let gateway = Handler { jobs in
            await results.append(jobs)
            return jobs.map { _ in .done }
        }
        let stages = [
            (StageName.identity, StageSettings(), Handler.passing), (.recommender, .init(), .passing),
            (.gateway, .init(), gateway),
        ]
        try await withSuite(stages) { suite in
            let header = JobHeader.sample(.accepted)
            try await suite.publisher.submit(fact, header: header)
            try await eventually("a result") { await !results.jobs.isEmpty }
            let result = await results.jobs[0]
            #expect(result.id == header.job)
            #expect(result.header.timings.map(\.stage) == [.identity, .recommender])
            #expect(try result.envelope.decode(ErasureRequested.self) == fact)
        }
    }

    @Test func aPictureOfManyFramesArrivesWhole() async throws {
        let picture = Data((0..<12_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) })
        let vision = Handler { jobs in
            jobs.map { job in
                guard let message = try? job.envelope.decode(ImageSubmitted.self), message.image == picture else {
                    return .failed(Failure(.corruptImage, "The picture changed on its way."))
                }
                return .completed(UserRequested(user: .random()))
            }
        }
        try await withSuite([(.vision, .init(), vision)]) { suite in
            let header = JobHeader.sample(trip: .analysis, gateway: suite.gateway)
            let message = ImageSubmitted(request: SelfieRequest(), image: picture)
            let answer = try await suite.answers.answer(for: header.job, until: .now + 30) {
                () throws(BrokerError) in try await suite.publisher.submit(message, header: header)
            }
            #expect(answer.type == UserRequested.name)
        }
    }

    @Test func aFailureIsAnsweredAtOnce() async throws {
        let noFace = Failure(.noFace, "There is no face.", stage: .identity)
        try await withSuite([(.identity, .init(), Handler { $0.map { _ in .failed(noFace) } })]) { suite in
            let answer = try await suite.ask(fact)
            #expect(try failure(in: answer) == noFace)
        }
    }

    @Test func aJobGivenTwiceIsWorkedOnTwiceAndAnsweredTwice() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .completed(fact) }
        }
        try await withSuite([(.recommender, .init(), handler)]) { suite in
            let header = JobHeader.sample(trip: .click, gateway: suite.gateway)
            _ = try await suite.answers.answer(for: header.job, until: .now + 30) { () throws(BrokerError) in
                try await suite.publisher.submit(fact, header: header)
                try await suite.publisher.submit(fact, header: header)
            }
            try await eventually("twice") { await log.jobs.count == 2 }
            try await eventually("nothing left") {
                try await suite.publisher.depth(of: .jobs(.recommender, .interactive)).ready == 0
            }
        }
    }

    // MARK: Scheduling

    @Test func interactiveJobsGoFirstAndAfterEveryTwoAnAcceptedOne() async throws {
        let gate = Gate()
        let log = Log()
        let handler = Handler { jobs in
            await gate.pass()
            await log.append(jobs)
            return jobs.map { _ in .done }
        }
        let settings = StageSettings(prefetch: 20, acceptedEvery: 2)
        try await withSuite([(.identity, settings, handler)]) { suite in
            try await suite.publisher.submit(fact, header: .sample())
            try await eventually("the first is in work") { await gate.arrivals == 1 }
            for _ in 0..<3 { try await suite.publisher.submit(fact, header: .sample(.accepted)) }
            for _ in 0..<6 { try await suite.publisher.submit(fact, header: .sample()) }
            try await eventually("all are handed over") {
                let interactive = try await suite.publisher.depth(of: .jobs(.identity, .interactive)).ready
                let accepted = try await suite.publisher.depth(of: .jobs(.identity, .accepted)).ready
                return interactive + accepted == 0
            }
            await gate.open()
            try await eventually("all are done") { await log.jobs.count == 10 }
            let order = await log.jobs.map { $0.header.urgency == .interactive ? "i" : "a" }.joined()
            // How many come before the first accepted one depends on what had arrived when the gate was opened.
            #expect(order.contains("aiiaiia"), "\(order)")
        }
    }

    @Test func waitingJobsAreHandledTogether() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .done }
        }
        // Longer than the test may take: only a full batch can begin.
        let settings = StageSettings(batch: 4, batchWait: .seconds(300))
        try await withSuite([(.identity, settings, handler)]) { suite in
            for _ in 0..<4 { try await suite.publisher.submit(fact, header: .sample()) }
            try await eventually("all are done") { await log.jobs.count == 4 }
            #expect(await log.batches.map(\.count) == [4])
        }
    }

    @Test func aBatchThatDoesNotFillBeginsAfterItsWait() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .done }
        }
        let settings = StageSettings(batch: 100, batchWait: .milliseconds(500))
        try await withSuite([(.identity, settings, handler)]) { suite in
            try await suite.publisher.submit(fact, header: .sample())
            try await suite.publisher.submit(fact, header: .sample())
            try await eventually("all are done") { await log.jobs.count == 2 }
        }
    }

    @Test func asManyBatchesAtATimeAsAreAllowed() async throws {
        let gate = Gate()
        let handler = Handler { jobs in
            await gate.pass()
            return jobs.map { _ in .done }
        }
        let settings = StageSettings(concurrency: 2, prefetch: 10)
        try await withSuite([(.identity, settings, handler)]) { suite in
            for _ in 0..<5 { try await suite.publisher.submit(fact, header: .sample()) }
            try await eventually("all are handed over") {
                try await suite.publisher.depth(of: .jobs(.identity, .interactive)).ready == 0
            }
            try await eventually("two are in work") { await gate.arrivals == 2 }
            await gate.open()
            try await eventually("all are done") { await gate.arrivals == 5 }
        }
    }

    @Test func aJobPastItsDeadlineIsDroppedUnseen() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .done }
        }
        try await withSuite([(.identity, .init(), handler)]) { suite in
            // Without an expiration of its own, so that only the worker can drop it.
            let late = try HeaderCoding.encode(.sample(deadlineIn: -1))
            try await suite.host.publish(
                to: "identity.interactive", header: late, type: ErasureRequested.name, body: "{}")
            try await suite.publisher.submit(fact, header: .sample())
            try await eventually("the next one is done") { await log.jobs.count == 1 }
            #expect(try await suite.publisher.depth(of: .dead(.identity)).ready == 0)
        }
    }

    // MARK: Retries and dead letters

    @Test(arguments: Urgency.allCases)
    func aRetryComesBackAfterItsDelay(urgency: Urgency) async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { $0.header.attempt < 3 ? .retry(Failure(.unavailable, "Not now.")) : .done }
        }
        let delays: [Duration] = [.milliseconds(100), .milliseconds(300)]
        let settings = StageSettings(interactiveDelays: delays, acceptedDelays: delays)
        try await withSuite([(.identity, settings, handler)]) { suite in
            let start = ContinuousClock.now
            try await suite.publisher.submit(fact, header: .sample(urgency))
            try await eventually("a third attempt") { await log.jobs.count == 3 }
            #expect(start.duration(to: .now) >= .milliseconds(400))
            #expect(await log.jobs.map(\.header.attempt) == [1, 2, 3])
            #expect(try await log.jobs[2].envelope.decode(ErasureRequested.self) == fact)
        }
    }

    @Test func afterItsAttemptsARetryIsADeadLetterAndAnswered() async throws {
        let handler = Handler { $0.map { _ in .retry(Failure(.unavailable, "Not now.")) } }
        let settings = StageSettings(interactiveAttempts: 2, interactiveDelays: [.milliseconds(50)])
        try await withSuite([(.identity, settings, handler)]) { suite in
            let answer = try await suite.ask(fact)
            #expect(try failure(in: answer) == Failure(.attemptsExhausted, "Not now.", stage: .identity))
            let dead = try await suite.host.take(from: .dead(.identity))
            #expect(dead.header?.job == answer.header.job)
            #expect(dead.header?.attempt == 2)
            #expect(dead.properties.headers?.reason == "attempts-exhausted: Not now.")
            #expect(dead.properties.delivery_mode == 2)
            #expect(dead.payload.isEmpty)
        }
    }

    @Test func aNewerSchemaIsTakenNoteOfAndAnswered() async throws {
        try await withSuite([(.identity, .init(), .passing)]) { suite in
            var header = JobHeader.sample(gateway: suite.gateway)
            header.schema = JobHeader.currentSchema + 1
            let newer = header
            let answer = try await suite.ask(fact, header: newer)
            #expect(try failure(in: answer).kind == .internalError)
            let dead = try await suite.host.take(from: .dead(.identity))
            #expect(dead.properties.headers?.reason == "Schema 2 is newer than this worker's 1.")
            #expect(dead.payload.isEmpty)
        }
    }

    @Test func whatIsNoJobAtAllIsKept() async throws {
        try await withSuite([(.identity, .init(), .passing)]) { suite in
            try await suite.host.publish(to: "identity.accepted", header: nil, type: "postcard", body: "hello")
            let dead = try await suite.host.take(from: .dead(.identity))
            #expect(dead.payload == "hello")
            #expect(dead.properties.type == "postcard")
            #expect(dead.properties.headers?.reason == "The message has no job header.")
        }
    }

    @Test(arguments: ["postcard", ErasureRequested.name])
    func aBodyThatCannotBeReadIsTakenNoteOfAndAnswered(type: String) async throws {
        try await withSuite([(.identity, .init(), .passing)]) { suite in
            let header = JobHeader.sample(gateway: suite.gateway)
            let text = try HeaderCoding.encode(header)
            let answer = try await suite.answers.answer(for: header.job, until: .now + 30) {
                () throws(BrokerError) in
                do {
                    try await suite.host.publish(to: "identity.interactive", header: text, type: type, body: "{")
                } catch {
                    throw .unencodable("\(error)")
                }
            }
            #expect(try failure(in: answer).kind == .internalError)
            #expect(try await suite.host.take(from: .dead(.identity)).payload.isEmpty)
        }
    }

    // MARK: Lost workers

    @Test func aLostInteractiveJobIsGivenToOneMoreWorker() async throws {
        let gate = Gate()
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            if jobs[0].header.attempt == 1 { await gate.pass() }
            return jobs.map { _ in .completed(fact) }
        }
        try await withSuite([(.recommender, .init(concurrency: 2), handler)]) { suite in
            let header = JobHeader.sample(trip: .click, gateway: suite.gateway)
            try await suite.publisher.submit(fact, header: header)
            try await eventually("in work") { await gate.arrivals == 1 }
            try await suite.host.closeConnections(3)
            try await eventually("a second attempt") { await log.jobs.count == 2 }
            #expect(await log.jobs.map(\.header.attempt) == [1, 2])
            await gate.open()
        }
    }

    @Test func lostTwiceItIsAnswered() async throws {
        let gate = Gate()
        let handler = Handler { jobs in
            await gate.pass()
            return jobs.map { _ in .done }
        }
        try await withSuite([(.recommender, .init(concurrency: 4), handler)]) { suite in
            let header = JobHeader.sample(trip: .click, gateway: suite.gateway, deadlineIn: 100)
            try await suite.publisher.submit(fact, header: header)
            try await eventually("in work") { await gate.arrivals == 1 }
            let closed = try await suite.host.closeConnections(3)
            try await eventually("in work again") { await gate.arrivals == 2 }
            try await suite.host.closeConnections(3, besides: closed)
            let dead = try await suite.host.take(from: .dead(.recommender))
            #expect(dead.header?.job == header.job)
            #expect(dead.header?.attempt == 2)
            await gate.open()
        }
    }

    @Test func anAcceptedJobLostAsOftenAsAllowedIsADeadLetterAndAnswered() async throws {
        let gate = Gate()
        let results = Log()
        let handler = Handler { jobs in
            await gate.pass()
            return jobs.map { _ in .done }
        }
        let gateway = Handler { jobs in
            await results.append(jobs)
            return jobs.map { _ in .done }
        }
        let settings = StageSettings(concurrency: 2, acceptedDeliveries: 1)
        try await withSuite([(.recommender, settings, handler), (.gateway, .init(), gateway)]) { suite in
            let header = JobHeader.sample(.accepted, trip: .click)
            try await suite.publisher.submit(fact, header: header)
            try await eventually("in work") { await gate.arrivals == 1 }
            try await suite.host.closeConnections(4)
            try await eventually("a result") { await !results.jobs.isEmpty }
            #expect(try await failure(in: results.jobs[0].envelope).kind == .attemptsExhausted)
            #expect(try await suite.host.take(from: .dead(.recommender)).header?.job == header.job)
            #expect(await gate.arrivals == 1)
            await gate.open()
        }
    }

    @Test func theBrokersDeliveryLimitIsTheNet() async throws {
        let gate = Gate()
        let handler = Handler { jobs in
            await gate.pass()
            return jobs.map { _ in .done }
        }
        let settings = StageSettings(concurrency: 10, acceptedDeliveries: 100)
        try await withSuite([(.recommender, settings, handler)]) { suite in
            try await suite.host.setPolicy(
                #"^mien\\.recommender\\.accepted$"#,
                #"""
                {"delivery-limit":1,"dead-letter-exchange":"mien.dead","overflow":"reject-publish",
                "dead-letter-strategy":"at-least-once"}
                """#)
            let header = JobHeader.sample(.accepted, trip: .click)
            try await suite.publisher.submit(fact, header: header)
            try await eventually("in work") { await gate.arrivals == 1 }
            let closed = try await suite.host.closeConnections(3)
            try await eventually("in work again") { await gate.arrivals == 2 }
            try await suite.host.closeConnections(3, besides: closed)
            #expect(try await suite.host.take(from: .dead(.recommender)).header?.job == header.job)
            await gate.open()
        }
    }

    // MARK: Back-pressure and shutdown

    @Test func aResultWaitsWhileTheNextQueueIsFull() async throws {
        try await withSuite([(.identity, .init(), .passing)]) { suite in
            try await suite.host.setPolicy(
                #"^mien\\.recommender\\.interactive$"#, #"{"max-length":1,"overflow":"reject-publish"}"#)
            try await suite.publisher.submit(fact, header: .sample(trip: .click))
            let header = JobHeader.sample()
            try await suite.publisher.submit(fact, header: header)
            try await suite.host.removePolicy()
            _ = try await suite.host.take(from: .jobs(.recommender, .interactive))
            #expect(try await suite.host.take(from: .jobs(.recommender, .interactive)).header?.job == header.job)
        }
    }

    @Test func shutdownFinishesWhatIsInWork() async throws {
        let gate = Gate()
        let handler = Handler { jobs in
            await gate.pass()
            return jobs.map { _ in .completed(fact) }
        }
        let header = JobHeader.sample(.accepted)
        try await VirtualHost.run { host in
            let observer = Publisher(address: host.address, logger: .silent)
            let publisher = Publisher(address: host.address, logger: .silent)
            let stage = Stage(
                name: .identity, address: host.address, publisher: publisher, handler: handler, logger: .silent)
            try await running([observer]) {
                try await eventually("connected") { observer.isConnected }
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        // Returns, and so asks for shutdown, while the job is in work.
                        try await running([publisher, stage]) {
                            try await eventually("connected") { publisher.isConnected && stage.isConnected }
                            try await publisher.submit(fact, header: header)
                            try await eventually("in work") { await gate.arrivals == 1 }
                        }
                    }
                    try await eventually("in work") { await gate.arrivals == 1 }
                    try await eventually("the stage takes no more") {
                        // A quorum queue counts a cancelled consumer until its last message is acknowledged.
                        try await observer.depth(of: .jobs(.identity, .interactive)).consumers == 0
                    }
                    await gate.open()
                    try await group.waitForAll()
                }
                #expect(try await observer.depth(of: .jobs(.identity, .accepted)).ready == 0)
                #expect(try await host.take(from: .jobs(.recommender, .accepted)).header?.job == header.job)
            }
        }
    }

    // MARK: Answers

    @Test func anAnswerToAGatewayThatIsGoneHoldsNothingUp() async throws {
        try await withSuite([(.identity, .init(), .passing), (.recommender, .init(), .passing)]) { suite in
            try await suite.publisher.submit(fact, header: .sample(gateway: .random()))
            #expect(try await suite.ask(fact).type == ErasureRequested.name)
        }
    }

    @Test func withoutAnAnswerTheDeadlineEndsTheWait() async throws {
        try await withSuite([]) { suite in
            let header = JobHeader.sample(gateway: suite.gateway, deadlineIn: 0.3)
            await #expect(throws: BrokerError.deadlinePassed) { try await suite.ask(fact, header: header) }
        }
    }

    @Test func whoeverWaitsIsToldWhenTheConnectionIsLost() async throws {
        try await withSuite([]) { suite in
            let header = JobHeader.sample(gateway: suite.gateway, deadlineIn: 100)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: BrokerError.disconnected) { try await suite.ask(fact, header: header) }
                }
                group.addTask {
                    await #expect(throws: Never.self) {
                        _ = try await suite.host.take(from: .jobs(.identity, .interactive))
                        try await suite.host.closeConnections(2)
                    }
                }
            }
            try await eventually("connected again") { suite.answers.isConnected && suite.publisher.isConnected }
        }
    }

    @Test func aJobThatCannotBeSubmittedIsNotWaitedFor() async throws {
        try await withSuite([]) { suite in
            await #expect(throws: BrokerError.full) {
                try await suite.answers.answer(for: .random(), until: .distantFuture) { () throws(BrokerError) in
                    throw .full
                }
            }
        }
    }
}
