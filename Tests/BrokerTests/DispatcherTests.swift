import Foundation
import Messages
import Testing

@testable import Broker

@Suite struct DispatcherTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let fact = ErasureRequested(user: .random())
    private let timing = StageTiming(stage: .identity, queued: 1, worked: 2)

    private func settle(
        _ header: JobHeader, at stage: StageName = .identity, settings: StageSettings = StageSettings(),
        _ outcome: Outcome
    ) throws -> Settlement {
        let delivery = try Delivery.sample(header, stage: stage, body: try fact.encoded())
        let job = Job(try Envelope(fact, header: header))
        return Dispatcher(stage: stage, settings: settings)
            .settlement(of: job, from: delivery, outcome, timing: timing, now: now)
    }

    private func header(of publication: Publication) throws -> JobHeader {
        guard case .header(let header) = HeaderCoding.decode(try #require(publication.header)) else {
            throw EnvelopeError.unexpectedType("header")
        }
        return header
    }

    @Test func aFactGoesToTheNextStageWithTheStagesTiming() throws {
        let settlement = try settle(.sample(published: now, attempt: 2), .completed(fact))
        let publication = try #require(settlement.publications.first)
        #expect(settlement.publications.count == 1)
        #expect(publication.destination == .stage(.recommender, .interactive))
        #expect(publication.expiration == .seconds(30))
        #expect(!publication.isPersistent)
        #expect(try header(of: publication).timings == [timing])
        #expect(try header(of: publication).attempt == 1)
        #expect(try header(of: publication).published == now)
    }

    @Test func afterTheLastStageTheFactIsTheAnswer() throws {
        let gateway = GatewayID.random()
        let interactive = try settle(.sample(gateway: gateway, published: now), at: .recommender, .completed(fact))
        #expect(interactive.publications.map(\.destination) == [.answer(gateway)])
        let accepted = try settle(.sample(.accepted, published: now), at: .recommender, .completed(fact))
        #expect(accepted.publications.map(\.destination) == [.stage(.gateway, .accepted)])
        #expect(accepted.publications[0].isPersistent)
        #expect(accepted.publications[0].expiration == nil)
    }

    @Test func aFailureIsTheAnswerAtOnce() throws {
        let gateway = GatewayID.random()
        let failure = Failure(.noFace, "There is no face.", stage: .identity)
        let settlement = try settle(.sample(gateway: gateway, published: now), .failed(failure))
        #expect(settlement.publications.map(\.destination) == [.answer(gateway)])
        #expect(settlement.publications[0].type == Failure.name)
        #expect(try Failure(encoded: settlement.publications[0].body) == failure)
        #expect(settlement.failure == .noFace)
    }

    @Test func aRetryWaitsLongerEachTime() throws {
        let failure = Failure(.unavailable, "The database is away.")
        let settings = StageSettings(acceptedAttempts: 4, acceptedDelays: [.seconds(1), .seconds(5)])
        for (attempt, delay) in [(1, Duration.seconds(1)), (2, .seconds(5)), (3, .seconds(5))] {
            let settlement = try settle(
                .sample(.accepted, published: now, attempt: attempt), settings: settings, .retry(failure))
            #expect(settlement.publications.map(\.destination) == [.delayed(.identity, .accepted, delay)])
            #expect(try header(of: settlement.publications[0]).attempt == attempt + 1)
            #expect(try header(of: settlement.publications[0]).timings.isEmpty)
        }
        let last = try settle(.sample(.accepted, published: now, attempt: 4), settings: settings, .retry(failure))
        #expect(last.publications.map(\.destination) == [.dead(.identity, .accepted), .stage(.gateway, .accepted)])
        #expect(try Failure(encoded: last.publications[1].body).kind == .attemptsExhausted)
        #expect(last.result == .exhausted)
    }

    @Test func aRetryThatTheDeadlineForbidsIsAnsweredAtOnce() throws {
        let failure = Failure(.unavailable, "The database is away.")
        let gateway = GatewayID.random()
        let settlement = try settle(
            .sample(gateway: gateway, deadlineIn: 0.2, published: now), .retry(failure))
        #expect(settlement.publications.map(\.destination) == [.dead(.identity, .interactive), .answer(gateway)])
        #expect(try Failure(encoded: settlement.publications[1].body).kind == .unavailable)
    }

    @Test func anAnswerAfterTheDeadlineIsNotSent() throws {
        let settlement = try settle(.sample(deadlineIn: -1, published: now), .completed(fact))
        #expect(settlement == Settlement(result: .expired))
    }

    @Test func whatCannotBeReadIsTakenNoteOfAndAnswered() throws {
        let gateway = GatewayID.random()
        let header = JobHeader.sample(gateway: gateway, published: now)
        let settlement = try settle(header, .unreadable(.unexpectedType("postcard")))
        #expect(settlement.publications.map(\.destination) == [.dead(.identity, .interactive), .answer(gateway)])
        #expect(settlement.publications[0].body.isEmpty)
        #expect(settlement.publications[0].reason == "A message of type postcard does not belong here.")
        #expect(settlement.publications[0].isPersistent)
        #expect(try Failure(encoded: settlement.publications[1].body).kind == .internalError)
    }

    @Test func ofAnAcceptedJobTheMessageIsKept() throws {
        let settlement = try settle(.sample(.accepted, published: now), .unreadable(.unexpectedType("postcard")))
        #expect(
            settlement.publications.map(\.destination) == [.dead(.identity, .accepted), .stage(.gateway, .accepted)])
        #expect(settlement.publications[0].body == (try fact.encoded()))
    }

    @Test func theResultsStageAnswersNobody() throws {
        let header = JobHeader.sample(.accepted, published: now)
        #expect(try settle(header, at: .gateway, .done) == Settlement(result: .completed))
        #expect(try settle(header, at: .gateway, .completed(fact)) == Settlement(result: .completed))
        let failure = Failure(.internalError, "The result cannot be stored.")
        let failed = try settle(header, at: .gateway, .failed(failure))
        #expect(failed.publications.map(\.destination) == [.dead(.gateway, .accepted)])
        let settings = StageSettings(acceptedAttempts: 1)
        let exhausted = try settle(header, at: .gateway, settings: settings, .retry(failure))
        #expect(exhausted.publications.map(\.destination) == [.dead(.gateway, .accepted)])
    }

    @Test func aLostInteractiveJobGoesBackWithTheNextNumber() throws {
        let header = JobHeader.sample(published: now)
        let delivery = try Delivery.sample(header, body: Data("body".utf8), isRedelivered: true)
        let dispatcher = Dispatcher(stage: .identity, settings: StageSettings())
        let settlement = try #require(dispatcher.settlement(of: delivery, .again(header), now: now))
        #expect(settlement.publications.map(\.destination) == [.stage(.identity, .interactive)])
        #expect(try self.header(of: settlement.publications[0]).attempt == 2)
        #expect(settlement.publications[0].body == Data("body".utf8))
    }

    @Test func routesAreThePlannedOnes() {
        #expect(Destination.stage(.vision, .accepted).exchange == "mien.jobs")
        #expect(Destination.stage(.vision, .accepted).routingKey == "vision.accepted")
        #expect(Destination.dead(.vision, .accepted).exchange == "mien.dead")
        #expect(
            Destination.delayed(.vision, .interactive, .milliseconds(250)).routingKey
                == "mien.vision.interactive.delay.250")
        #expect(!Queue.shared.contains(.jobs(.gateway, .interactive)))
        #expect(Queue.shared.count == 11)
    }
}
