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
        #expect(triage(delivery) == .work(envelope))
    }

    @Test func whatNobodyWaitsForIsExpired() throws {
        let header = JobHeader.sample(deadlineIn: -0.5, published: now)
        #expect(triage(try .sample(header)) == .expired(header))
        #expect(triage(try .sample(header, isRedelivered: true)) == .expired(header))
    }

    @Test(arguments: Urgency.allCases)
    func whatALostWorkerHadInHandIsASuspectAndNotCounted(urgency: Urgency) throws {
        let header = JobHeader.sample(urgency, published: now)
        #expect(triage(try .sample(header, isRedelivered: true)) == .suspect(header))
    }

    @Test(arguments: Urgency.allCases)
    func aSuspectIsWorkedOnUntilItHasLostEnoughWorkers(urgency: Urgency) throws {
        let allowed = StageSettings().losses(urgency)
        for losses in 0..<allowed {
            var header = JobHeader.sample(urgency, published: now)
            header.losses = losses
            guard case .work = triage(try .sample(header, isSuspect: true)) else {
                Issue.record("a suspect that was not lost again is worked on")
                return
            }
            var lost = header
            lost.losses += 1
            let again = triage(try .sample(header, isRedelivered: true, isSuspect: true))
            #expect(again == (lost.losses < allowed ? .suspect(lost) : .exhausted(header)))
        }
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
