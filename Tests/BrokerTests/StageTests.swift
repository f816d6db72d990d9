import Foundation
import Logging
import Messages
import RelayTesting
import Synchronization
import Testing

@testable import Broker

@Suite(
    .enabled(if: VirtualHost.isGiven, "MIEN_TEST_BROKER and MIEN_TEST_BROKER_API name no broker"),
    .timeLimit(.minutes(5)))
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
            return try await answers.answer(for: header.job, until: header.reply.deadline ?? .distantFuture) {
                () throws(BrokerError) in
                try await publisher.submit(fact, header: header)
            }
        }
    }

    @discardableResult
    private func withSuite<Result: Sendable>(
        _ stages: [(StageName, StageSettings, Handler)], logger: Logger = .silent,
        _ body: (Suite) async throws -> Result
    ) async throws -> Result {
        try await VirtualHost.run { host in
            let gateway = GatewayID.random()
            let publisher = Publisher(address: host.address, logger: .silent)
            let answers = Answers(gateway: gateway, address: host.address, logger: .silent)
            let stages = stages.map { name, settings, handler in
                Stage(
                    name: name, address: host.address, publisher: publisher, settings: settings, handler: handler,
                    logger: logger)
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
            #expect(try result.decode(ErasureRequested.self) == fact)
        }
    }

    @Test func aPictureOfManyFramesArrivesWhole() async throws {
        let picture = Data((0..<12_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) })
        let vision = Handler { jobs in
            jobs.map { job in
                guard let message = try? job.decode(ImageSubmitted.self), message.image == picture else {
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
            let order = await log.jobs.map { $0.header.reply.urgency == .interactive ? "i" : "a" }.joined()
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
        let settings = StageSettings(batch: 100, batchWait: .seconds(2))
        try await withSuite([(.identity, settings, handler)]) { suite in
            let start = ContinuousClock.now
            try await suite.publisher.submit(fact, header: .sample())
            try await suite.publisher.submit(fact, header: .sample())
            try await eventually("all are done") { await log.jobs.count == 2 }
            #expect(start.duration(to: .now) >= settings.batchWait)
            #expect(await log.batches.map(\.count) == [2])
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
            // One after the other ends, and lets one more begin.
            for ended in 0..<3 {
                try await eventually("two are in work") { await gate.arrivals == ended + 2 }
                await gate.letOne()
            }
            await gate.open()
            try await eventually("all are done") { await gate.departures == 5 }
            #expect(await gate.mostAtOnce == 2)
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
            #expect(try await log.jobs[2].decode(ErasureRequested.self) == fact)
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

    /// Runs a worker of its own, with its own connections, until `body` returns: then it is gone, as after SIGKILL.
    private func withLostWorker(
        _ name: StageName, _ settings: StageSettings = .init(), on host: VirtualHost, _ handler: Handler,
        _ body: () async throws -> Void
    ) async throws {
        let relay = Relay(to: host.address.port)
        defer { relay.close() }
        var address = host.address
        address.port = relay.port
        let publisher = Publisher(address: address, logger: .silent)
        let stage = Stage(
            name: name, address: address, publisher: publisher, settings: settings, handler: handler, logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await publisher.run() }
            tasks.addTask { try await stage.run() }
            try await body()
            relay.close()
            try await eventually("the worker is cut off") { !publisher.isConnected && !stage.isConnected }
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
    }

    /// What waits in a stage's two queues of accepted jobs.
    private func waiting(_ stage: StageName, _ suite: Suite) async throws -> Int {
        try await suite.publisher.depth(of: .jobs(stage, .accepted)).ready
            + suite.publisher.depth(of: .suspects(stage, .accepted)).ready
    }

    @Test(arguments: Urgency.allCases)
    func aLostJobIsDoneByAnotherWorker(urgency: Urgency) async throws {
        let gate = Gate()
        let log = Log()
        try await withSuite([]) { suite in
            let header = JobHeader.sample(urgency, trip: .click, gateway: suite.gateway)
            try await suite.publisher.submit(fact, header: header)
            try await withLostWorker(.recommender, on: suite.host, .waiting(at: gate)) {
                try await eventually("in work") { await gate.arrivals == 1 }
            }
            try await withLostWorker(.recommender, on: suite.host, .logging(to: log)) {
                try await eventually("done") { await log.jobs.count == 1 }
            }
            #expect(await log.jobs[0].id == header.job)
            #expect(await log.jobs[0].header.attempt == 1)
            #expect(await log.jobs[0].header.losses == 0)
        }
    }

    @Test func anInteractiveJobThatLosesItsWorkersIsAnswered() async throws {
        let gate = Gate()
        let settings = StageSettings(interactiveLosses: 2)
        try await withSuite([]) { suite in
            let header = JobHeader.sample(trip: .click, gateway: suite.gateway, deadlineIn: 100)
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await suite.ask(fact, header: header) }
                // The first loss says nothing; two alone are allowed.
                for lost in 1...3 {
                    try await withLostWorker(.recommender, settings, on: suite.host, .waiting(at: gate)) {
                        try await eventually("in work") { await gate.arrivals == lost }
                    }
                }
                try await withLostWorker(.recommender, settings, on: suite.host, .waiting(at: gate)) {
                    let answer = try #require(try await tasks.next())
                    #expect(try failure(in: answer).kind == .attemptsExhausted)
                }
            }
            let dead = try await suite.host.take(from: .dead(.recommender))
            #expect(dead.header?.job == header.job)
            #expect(dead.payload.isEmpty)
            #expect(await gate.arrivals == 3)
        }
    }

    @Test func tenLostWorkersEndNoAcceptedJob() async throws {
        let gate = Gate()
        let log = Log()
        let settings = StageSettings(batch: 4, concurrency: 2)
        try await withSuite([]) { suite in
            var jobs: Set<JobID> = []
            for _ in 1...10 {
                let header = JobHeader.sample(.accepted, trip: .click)
                try await suite.publisher.submit(fact, header: header)
                jobs.insert(header.job)
            }
            for _ in 1...10 {
                let before = await gate.arrivals
                try await withLostWorker(.recommender, settings, on: suite.host, .waiting(at: gate)) {
                    try await eventually("something is in work") { await gate.arrivals > before }
                }
            }
            try await withLostWorker(.recommender, settings, on: suite.host, .logging(to: log)) {
                try await eventually("all are done") { await Set(log.jobs.map(\.id)) == jobs }
                try await eventually("nothing is left") { try await waiting(.recommender, suite) == 0 }
            }
            #expect(try await suite.publisher.depth(of: .dead(.recommender)).ready == 0)
        }
    }

    @Test func aJobThatKillsItsWorkersEndsAloneAndIsAnswered() async throws {
        let results = Log()
        let settings = StageSettings(batch: 4, concurrency: 2, acceptedLosses: 3)
        try await withSuite([(.gateway, .init(), .logging(to: results))]) { suite in
            let poison = JobHeader.sample(.accepted, trip: .click)
            var good: Set<JobID> = []
            for number in 1...9 {
                let header = number == 2 ? poison : JobHeader.sample(.accepted, trip: .click)
                try await suite.publisher.submit(fact, header: header)
                if header.job != poison.job { good.insert(header.job) }
            }
            let gate = Gate()
            let deadly = Handler { jobs in
                if jobs.contains(where: { $0.id == poison.job }) { await gate.pass() }
                return jobs.map { _ in .completed(fact) }
            }
            // Once among others, and then as often as is allowed alone.
            for lost in 1...4 {
                try await withLostWorker(.recommender, settings, on: suite.host, deadly) {
                    try await eventually("the worker is being killed") { await gate.arrivals == lost }
                }
            }
            try await withLostWorker(.recommender, settings, on: suite.host, deadly) {
                try await eventually("all are answered") { await Set(results.jobs.map(\.id)).count == 9 }
            }
            #expect(await gate.arrivals == 4)
            for result in await results.jobs {
                #expect((result.type == Failure.name) == !good.contains(result.id))
                guard result.id == poison.job else { continue }
                #expect(try failure(in: result).kind == .attemptsExhausted)
            }
            let dead = try await suite.host.take(from: .dead(.recommender))
            #expect(dead.header?.job == poison.job)
            #expect(dead.payload.isEmpty == false)
            #expect(try await suite.publisher.depth(of: .dead(.recommender)).ready == 0)
        }
    }

    @Test func aSuspectIsWorkedOnAlone() async throws {
        let gate = Gate()
        let log = Log()
        let handler = Handler { jobs in
            await gate.pass()
            await log.append(jobs)
            return jobs.map { _ in .done }
        }
        let settings = StageSettings(batch: 4, concurrency: 3)
        try await withSuite([]) { suite in
            let suspect = JobHeader.sample(.accepted)
            try await suite.publisher.submit(fact, header: suspect)
            try await withLostWorker(.identity, settings, on: suite.host, .waiting(at: gate)) {
                try await eventually("in work") { await gate.arrivals == 1 }
            }
            try await withLostWorker(.identity, settings, on: suite.host, handler) {
                try await eventually("in work again") { await gate.arrivals == 2 }
                for _ in 1...5 { try await suite.publisher.submit(fact, header: .sample()) }
                try await eventually("the others are at hand") {
                    try await suite.publisher.depth(of: .jobs(.identity, .interactive)).ready == 0
                }
                #expect(await gate.arrivals == 2)
                await gate.open()
                try await eventually("all are done") { await log.jobs.count == 6 }
                #expect(await log.batches[0].map(\.id) == [suspect.job])
            }
        }
    }

    // MARK: What a job needs is away

    @Test func anAcceptedJobWaitsForWhatItNeedsHoweverLong() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { $0.header.waits < 20 ? .unavailable(Failure(.unavailable, "Away.")) : .done }
        }
        let settings = StageSettings(acceptedAttempts: 2, outageDelays: [.milliseconds(10), .milliseconds(20)])
        try await withSuite([(.identity, settings, handler)]) { suite in
            try await suite.publisher.submit(fact, header: .sample(.accepted))
            try await eventually("it was there at last") { await log.jobs.count == 21 }
            #expect(await log.jobs.map(\.header.attempt) == Array(repeating: 1, count: 21))
            #expect(await log.jobs.map(\.header.waits) == Array(0...20))
            #expect(try await suite.publisher.depth(of: .dead(.identity)).ready == 0)
        }
    }

    @Test func anInteractiveJobIsToldWhatIsAwayAndLeavesNoDeadLetter() async throws {
        let log = Log()
        let away = Failure(.unavailable, "Away.", stage: .identity)
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .unavailable(away) }
        }
        let settings = StageSettings(interactiveAttempts: 3, interactiveDelays: [.milliseconds(10)])
        try await withSuite([(.identity, settings, handler)]) { suite in
            let answer = try await suite.ask(fact)
            #expect(try failure(in: answer) == away)
            #expect(await log.jobs.count == 3)
            #expect(try await suite.publisher.depth(of: .dead(.identity)).ready == 0)
        }
    }

    @Test func aResultThatCannotBeStoredFailsItsJob() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { job in
                job.type == Failure.name ? .done : .unreadable(.unexpectedType(job.type))
            }
        }
        try await withSuite([(.gateway, .init(), handler)]) { suite in
            let header = JobHeader.sample(.accepted)
            try await suite.host.publish(
                to: "gateway.accepted", header: try HeaderCoding.encode(header), type: "postcard", body: "hello")
            try await eventually("the job has failed") { await log.jobs.count == 2 }
            let result = await log.jobs[1]
            #expect(result.id == header.job)
            #expect(try failure(in: result).kind == .internalError)
            #expect(try await suite.host.take(from: .dead(.gateway)).payload == "hello")
        }
    }

    // MARK: Back-pressure and shutdown

    @Test func aResultWaitsWhileTheNextQueueIsFull() async throws {
        let refusals = Records()
        try await withSuite([(.identity, .init(), .passing)], logger: refusals.logger) { suite in
            try await suite.host.setPolicy(
                #"^mien\\.recommender\\.interactive$"#, #"{"max-length":1,"overflow":"reject-publish"}"#)
            try await suite.publisher.submit(fact, header: .sample(trip: .click))
            let header = JobHeader.sample()
            try await suite.publisher.submit(fact, header: header)
            try await eventually("the queue has refused it") { refusals.messages.contains("PublisherRole again") }
            try await suite.host.removePolicy()
            _ = try await suite.host.take(from: .jobs(.recommender, .interactive))
            #expect(try await suite.host.take(from: .jobs(.recommender, .interactive)).header?.job == header.job)
        }
    }

    @Test func aResultHeldUpForLongIsMadeAgainLater() async throws {
        let log = Log()
        let handler = Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .completed(fact) }
        }
        let settings = StageSettings(outageDelays: [.milliseconds(200)], holdLimit: .milliseconds(300))
        try await withSuite([(.identity, settings, handler)]) { suite in
            try await suite.host.setPolicy(
                #"^mien\\.recommender\\.accepted$"#, #"{"max-length":1,"overflow":"reject-publish"}"#)
            // A quorum queue lets a few more in than its limit says.
            await #expect(throws: BrokerError.full) {
                while true { try await suite.publisher.submit(fact, header: .sample(.accepted, trip: .click)) }
            }
            let header = JobHeader.sample(.accepted)
            try await suite.publisher.submit(fact, header: header)
            try await eventually("it was made again, and again") { await log.jobs.count >= 3 }
            #expect(await log.jobs.allSatisfy { $0.header.losses == 0 && $0.header.attempt == 1 })
            try await suite.host.removePolicy()
            var taken: JobID?
            while taken != header.job {
                taken = try await suite.host.take(from: .jobs(.recommender, .accepted)).header?.job
            }
            #expect(try await suite.publisher.depth(of: .dead(.identity)).ready == 0)
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

    @Test func aGatewayIsNotLockedOutByItsOldConnection() async throws {
        try await withSuite([(.identity, .init(), .passing), (.recommender, .init(), .passing)]) { suite in
            let relay = Relay(to: suite.host.address.port)
            defer { relay.close() }
            var address = suite.host.address
            address.port = relay.port
            let gateway = GatewayID.random()
            let answers = Answers(gateway: gateway, address: address, logger: .silent)
            try await running([answers]) {
                try await eventually("connected") { answers.isConnected }
                // The broker goes on believing in the connection, and keeps its queue locked.
                let before = relay.accepted
                relay.strand()
                try await eventually("connected anew") { relay.accepted > before && answers.isConnected }
                let header = JobHeader.sample(gateway: gateway)
                let answer = try await answers.answer(for: header.job, until: .now + 30) { () throws(BrokerError) in
                    try await suite.publisher.submit(fact, header: header)
                }
                #expect(answer.type == ErasureRequested.name)
            }
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
