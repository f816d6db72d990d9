import Foundation
import Messages
import Testing

@testable import Vision

@Suite("The limit of work")
struct WorkLimitTests {
    private func failure(_ limit: WorkLimit) -> Failure? {
        do throws(Failure) {
            try limit.check()
            return nil
        } catch {
            return error
        }
    }

    @Test("work is counted, and sleep is not")
    func work() {
        let limit = WorkLimit(.milliseconds(20))
        Thread.sleep(forTimeInterval: 0.1)
        #expect(limit.allowsMore)
        var rounds = 0
        while limit.allowsMore { rounds += 1 }
        #expect(rounds > 0)
        #expect(failure(limit)?.kind == .tooLarge)
        #expect(failure(limit)?.detail.contains("0.02 seconds") == true)
    }

    @Test("a deadline is a time of day")
    func deadline() {
        #expect(failure(WorkLimit(.seconds(9), deadline: .now.addingTimeInterval(60))) == nil)
        #expect(failure(WorkLimit(.seconds(9), deadline: .now.addingTimeInterval(-1)))?.kind == .deadlinePassed)
        #expect(failure(.unlimited) == nil)
    }
}
