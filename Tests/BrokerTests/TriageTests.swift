import Foundation
import Messages
import Testing

@testable import Broker

@Suite struct TriageTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func triage(_ delivery: Delivery, stage: StageName = .identity) -> Triage {
        Triage(delivery, stage: stage, settings: StageSettings(), now: now)
    }

    @Test func aJobIsWorkedOn() throws {
        let header = JobHeader.sample(published: now)
        let delivery = try Delivery.sample(header, body: Data("body".utf8))
        let envelope = Envelope(header: header, type: ErasureRequested.name, body: Data("body".utf8))
        #expect(triage(delivery) == .work(Job(envelope)))
    }

    @Test func whatNobodyWaitsForIsExpired() throws {
        let header = JobHeader.sample(deadlineIn: -0.5, published: now)
        #expect(triage(try .sample(header)) == .expired(header))
        #expect(triage(try .sample(header, isRedelivered: true)) == .expired(header))
    }

    @Test func aLostInteractiveJobGetsOneMoreWorker() throws {
        let first = JobHeader.sample(published: now)
        #expect(triage(try .sample(first, isRedelivered: true)) == .again(first))
        let second = JobHeader.sample(published: now, attempt: 2)
        #expect(triage(try .sample(second, isRedelivered: true)) == .exhausted(second))
        guard case .work = triage(try .sample(second)) else {
            Issue.record("a second attempt not lost is worked on")
            return
        }
    }

    @Test func aLostAcceptedJobIsWorkedOnUntilTheBrokerHasCountedEnough() throws {
        let header = JobHeader.sample(.accepted, published: now)
        guard case .work = triage(try .sample(header, isRedelivered: true, deliveryCount: 3)) else {
            Issue.record("three lost workers are allowed")
            return
        }
        #expect(triage(try .sample(header, isRedelivered: true, deliveryCount: 4)) == .exhausted(header))
    }

    @Test func whatDoesNotBelongHereIsUnreadable() throws {
        let header = JobHeader.sample(trip: .analysis, published: now)
        #expect(
            triage(try .sample(header)) == .unreadable(reason: "The job's trip does not pass here.", header))
        var mislabelled = try Delivery.sample(.sample(published: now))
        mislabelled.queue = Queue.jobs(.identity, .accepted).name
        guard case .unreadable = triage(mislabelled) else {
            Issue.record("an interactive job in the accepted queue")
            return
        }
    }

    @Test func aMessageWithoutHeaderOrWithANewerOneIsUnreadable() throws {
        var header = JobHeader.sample(published: now)
        var bare = try Delivery.sample(header)
        bare.properties.header = nil
        #expect(triage(bare) == .unreadable(reason: "The message has no job header.", nil))
        header.schema = 9
        #expect(
            triage(try .sample(header)) == .unreadable(reason: "Schema 9 is newer than this worker's 1.", header))
    }
}
