import Messages
import Testing

@testable import Broker

@Suite struct BacklogTests {
    private func backlog(interactive: Int, accepted: Int, acceptedEvery: Int) -> Backlog<String> {
        var backlog = Backlog<String>(acceptedEvery: acceptedEvery)
        for number in 0..<interactive { backlog.append("i\(number)", .interactive) }
        for number in 0..<accepted { backlog.append("a\(number)", .accepted) }
        return backlog
    }

    @Test func interactiveFirstAndAfterEveryNOneAccepted() {
        var backlog = backlog(interactive: 5, accepted: 3, acceptedEvery: 2)
        #expect(backlog.take(upTo: 10) == ["i0", "i1", "a0", "i2", "i3", "a1", "i4", "a2"])
    }

    @Test func theTurnsGoOnFromBatchToBatch() {
        var backlog = backlog(interactive: 4, accepted: 1, acceptedEvery: 3)
        #expect(backlog.take(upTo: 2) == ["i0", "i1"])
        #expect(backlog.take(upTo: 2) == ["i2", "a0"])
        #expect(backlog.take(upTo: 2) == ["i3"])
    }

    @Test func acceptedWaitForNobodyWhenAlone() {
        var backlog = backlog(interactive: 0, accepted: 2, acceptedEvery: 100)
        #expect(backlog.take(upTo: 10) == ["a0", "a1"])
        #expect(backlog.take(upTo: 10).isEmpty)
    }

    @Test func suspectsComeFirstAndAlone() {
        var backlog = backlog(interactive: 2, accepted: 0, acceptedEvery: 1)
        backlog.append(suspect: "s0")
        backlog.append(suspect: "s1")
        #expect(backlog.count == 4)
        #expect(backlog.take(upTo: 10) == ["s0"])
        #expect(backlog.take(upTo: 10) == ["s1"])
        #expect(backlog.take(upTo: 10) == ["i0", "i1"])
    }

    @Test func whatWentBackToTheQueueIsGone() {
        var backlog = backlog(interactive: 2, accepted: 2, acceptedEvery: 1)
        backlog.append(suspect: "s0")
        backlog.removeAll()
        #expect(backlog.count == 0)
    }
}
