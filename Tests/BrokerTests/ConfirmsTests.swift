import Testing

@testable import Broker

@Suite struct ConfirmsTests {
    private func sent(_ count: Int) -> Confirms<Int> {
        var confirms = Confirms<Int>()
        for number in 1...count { confirms.sent("message \(number)", waiter: number) }
        return confirms
    }

    @Test func oneConfirmSettlesOneMessage() throws {
        var confirms = sent(3)
        let settled = confirms.confirmed(2, multiple: false, accepted: true)
        #expect(settled.map(\.waiter) == [2])
        #expect(throws: Never.self) { try settled[0].result.get() }
        #expect(confirms.waiting == [1, 3])
    }

    @Test func multipleSettlesAllUpToTheTagThatStillWait() {
        var confirms = sent(5)
        _ = confirms.confirmed(2, multiple: false, accepted: true)
        #expect(confirms.confirmed(4, multiple: true, accepted: true).map(\.waiter) == [1, 3, 4])
        #expect(confirms.confirmed(5, multiple: true, accepted: true).map(\.waiter) == [5])
        #expect(confirms.isEmpty)
    }

    @Test func multipleAfterOutOfOrderConfirmsLooksBackFarEnough() {
        var confirms = sent(4)
        _ = confirms.confirmed(3, multiple: false, accepted: true)
        _ = confirms.confirmed(1, multiple: false, accepted: true)
        #expect(confirms.confirmed(4, multiple: true, accepted: true).map(\.waiter) == [2, 4])
    }

    @Test func aNackMeansThatTheQueueIsFull() {
        var confirms = sent(2)
        let settled = confirms.confirmed(2, multiple: true, accepted: false)
        #expect(settled.map(\.waiter) == [1, 2])
        for (_, result) in settled { #expect(throws: BrokerError.full) { try result.get() } }
    }

    @Test func aReturnedMessageIsUnroutableAlthoughTheBrokerConfirmsIt() {
        var confirms = sent(2)
        confirms.returned("message 1")
        let settled = confirms.confirmed(2, multiple: true, accepted: true)
        #expect(throws: BrokerError.unroutable) { try settled[0].result.get() }
        #expect(throws: Never.self) { try settled[1].result.get() }
    }

    @Test func confirmsOfNothingAreNobodys() {
        var confirms = sent(1)
        confirms.returned("another's")
        #expect(confirms.confirmed(7, multiple: true, accepted: true).isEmpty)
        #expect(confirms.confirmed(1, multiple: false, accepted: true).map(\.waiter) == [1])
        #expect(confirms.confirmed(1, multiple: false, accepted: true).isEmpty)
    }
}
