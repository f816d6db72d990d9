import Foundation
import Messages
import Testing

@testable import Broker

@Suite struct RoutingTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let fact = ErasureRequested(user: .random())
    private let timing = StageTiming(stage: .identity, queued: 1, worked: 2)

    private func settle(
        _ header: JobHeader, at stage: StageName = .identity, settings: StageSettings = StageSettings(),
        _ outcome: Outcome
    ) throws -> Settlement {
        let delivery = try Delivery.sample(header, stage: stage, body: try fact.encoded())
        let job = try Envelope(fact, header: header)
        return Routing(stage: stage, settings: settings)
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

    @Test func theResultsStageAnswersItself() throws {
        let header = JobHeader.sample(.accepted, published: now)
        #expect(try settle(header, at: .gateway, .done) == Settlement(result: .completed))
        #expect(try settle(header, at: .gateway, .completed(fact)) == Settlement(result: .completed))
        let failure = Failure(.internalError, "The result cannot be stored.")
        let failed = try settle(header, at: .gateway, .failed(failure))
        #expect(failed.publications.map(\.destination) == [.dead(.gateway, .accepted), .stage(.gateway, .accepted)])
        #expect(try Failure(encoded: failed.publications[1].body) == failure)
        let settings = StageSettings(acceptedAttempts: 1)
        let exhausted = try settle(header, at: .gateway, settings: settings, .retry(failure))
        #expect(
            exhausted.publications.map(\.destination) == [.dead(.gateway, .accepted), .stage(.gateway, .accepted)])
    }

    @Test func aFailureThatCannotBeStoredFailsNoMore() throws {
        let header = JobHeader.sample(.accepted, published: now)
        let failure = Failure(.internalError, "The result cannot be stored.")
        let delivery = try Delivery.sample(header, stage: .gateway, type: Failure.name, body: try failure.encoded())
        let settlement = Routing(stage: .gateway, settings: StageSettings())
            .settlement(
                of: try Envelope(failure, header: header), from: delivery, .failed(failure), timing: timing,
                now: now)
        #expect(settlement.publications.map(\.destination) == [.dead(.gateway, .accepted)])
    }

    @Test(arguments: Urgency.allCases)
    func aSuspectGoesToItsQueueUnderItsHeader(urgency: Urgency) throws {
        var header = JobHeader.sample(urgency, published: now)
        let delivery = try Delivery.sample(header, body: Data("body".utf8), isRedelivered: true)
        header.losses = 1
        let routing = Routing(stage: .identity, settings: StageSettings())
        let settlement = try #require(routing.settlement(of: delivery, .suspect(header), now: now))
        #expect(settlement.publications.map(\.destination) == [.suspects(.identity, urgency)])
        #expect(try self.header(of: settlement.publications[0]).losses == 1)
        #expect(settlement.publications[0].body == Data("body".utf8))
        #expect(settlement.publications[0].isPersistent == (urgency == .accepted))
        #expect(settlement.publications[0].expiration == (urgency == .accepted ? nil : .seconds(30)))
    }

    @Test func whatIsAwayIsWaitedForByAcceptedJobsAsLongAsItTakes() throws {
        let failure = Failure(.unavailable, "The database is away.")
        let settings = StageSettings(acceptedAttempts: 1, outageDelays: [.seconds(1), .seconds(5)])
        var header = JobHeader.sample(.accepted, published: now)
        for (waits, delay) in [(0, Duration.seconds(1)), (1, .seconds(5)), (1_000_000, .seconds(5))] {
            header.waits = waits
            let settlement = try settle(header, settings: settings, .unavailable(failure))
            #expect(settlement.publications.map(\.destination) == [.delayed(.identity, .accepted, delay)])
            #expect(try self.header(of: settlement.publications[0]).waits == waits + 1)
            #expect(try self.header(of: settlement.publications[0]).attempt == 1)
        }
    }

    @Test func whatIsAwayIsToldToWhoeverWaits() throws {
        let failure = Failure(.unavailable, "The database is away.")
        let gateway = GatewayID.random()
        var header = JobHeader.sample(gateway: gateway, published: now)
        let first = try settle(header, .unavailable(failure))
        #expect(first.publications.map(\.destination) == [.delayed(.identity, .interactive, .milliseconds(250))])
        header.waits = StageSettings().interactiveAttempts - 1
        let last = try settle(header, .unavailable(failure))
        #expect(last.publications.map(\.destination) == [.answer(gateway)])
        #expect(try Failure(encoded: last.publications[0].body) == failure)
        let late = try settle(.sample(gateway: gateway, deadlineIn: 0.2, published: now), .unavailable(failure))
        #expect(late.publications.map(\.destination) == [.answer(gateway)])
    }

    @Test func theNextStageBeginsToCountAnew() throws {
        var header = JobHeader.sample(.accepted, published: now, attempt: 3)
        (header.waits, header.losses) = (5, 2)
        let next = try self.header(of: settle(header, .completed(fact)).publications[0])
        #expect(next.attempt == 1 && next.waits == 0 && next.losses == 0)
    }

    @Test func routesAreThePlannedOnes() {
        #expect(Destination.stage(.vision, .accepted).exchange == "mien.jobs")
        #expect(Destination.stage(.vision, .accepted).routingKey == "vision.accepted")
        #expect(Destination.suspects(.vision, .accepted).routingKey == "mien.vision.accepted.suspects")
        #expect(Destination.dead(.vision, .accepted).exchange == "mien.dead")
        #expect(
            Destination.delayed(.vision, .interactive, .milliseconds(250)).routingKey
                == "mien.vision.interactive.delay.250")
        #expect(!Queue.shared.contains(.jobs(.gateway, .interactive)))
        #expect(Queue.shared.count == 18)
    }
}
