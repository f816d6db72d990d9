import Gateway
import HTTPTypes
import Testing

@Suite struct ConnectionStateTests {
    let problem = Problem(.badRequest, "Nonsense.")

    /// An expectation may not call what changes a value; an argument may.
    func check<T: Equatable>(_ actual: T, is expected: T, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(actual == expected, sourceLocation: sourceLocation)
    }

    @Test func requestsAreAnsweredOneAfterAnother() {
        var state = ConnectionState()
        for _ in 1...3 {
            check(state.mayRead, is: true)
            check(state.receivedHead(closes: false), is: true)
            check(state.isReceiving, is: true)
            check(state.mayRead, is: true)
            check(state.receivedEnd(), is: true)
            // What the client sends meanwhile has time.
            check(state.mayRead, is: false)
            check(state.writesHead(), is: .write)
            check(state.writesEnd(), is: .goOn)
        }
        check(state.isOver, is: false)
    }

    @Test func anEarlyAnswerIsTheLast() {
        var state = ConnectionState()
        check(state.receivedHead(closes: false), is: true)
        check(state.writesHead(), is: .writeClosing)
        check(state.receivedEnd(), is: false)
        check(state.writesEnd(), is: .close)
        check(state.isOver, is: true)
        check(state.mayRead, is: true)
        check(state.receivedHead(closes: false), is: false)
        // Whoever answered finds the body broken and answers again.
        check(state.writesHead(), is: .drop)
        check(state.writesEnd(), is: .drop)
    }

    @Test func theAnswerBeforeAnUnreadBodyIsNotTheLast() {
        var state = ConnectionState()
        check(state.receivedHead(closes: false), is: true)
        check(state.receivedEnd(), is: true)
        check(state.receivedHead(closes: false), is: true)
        check(state.writesHead(), is: .write)
        check(state.writesEnd(), is: .goOn)
        check(state.isReceiving, is: true)
    }

    @Test func aClientMaySayThatItsRequestIsTheLast() {
        var state = ConnectionState()
        check(state.receivedHead(closes: true), is: true)
        check(state.receivedEnd(), is: true)
        check(state.receivedHead(closes: false), is: false)
        check(state.writesHead(), is: .writeClosing)
        check(state.writesEnd(), is: .close)
    }

    @Test func nonsenseIsRefusedAfterWhatCameBefore() {
        var state = ConnectionState()
        check(state.receivedHead(closes: false), is: true)
        check(state.receivedEnd(), is: true)
        check(state.receivedHead(closes: false), is: true)
        check(state.receivedEnd(), is: true)
        check(state.receivedNonsense(problem), is: .wait)
        check(state.writesHead(), is: .write)
        check(state.writesEnd(), is: .goOn)
        check(state.writesHead(), is: .write)
        check(state.writesEnd(), is: .refuse(problem))
        check(state.receivedNonsense(problem), is: .wait)
    }

    @Test func nonsenseAtTheBeginningIsRefusedAtOnce() {
        var state = ConnectionState()
        check(state.receivedNonsense(problem), is: .write(problem))
        check(state.receivedNonsense(problem), is: .wait)
        check(state.isOver, is: true)
    }

    @Test func whatWasReceivedBeforeTheEndIsAnswered() {
        var state = ConnectionState()
        check(state.receivedHead(closes: false), is: true)
        state.stops()
        check(state.receivedEnd(), is: true)
        check(state.receivedHead(closes: false), is: false)
        check(state.writesHead(), is: .writeClosing)
        check(state.writesEnd(), is: .close)
    }

    @Test func aBrokenBodyIsForWhoReadsIt() {
        var state = ConnectionState()
        check(state.receivedHead(closes: false), is: true)
        check(state.receivedNonsense(problem), is: .tellReader)
        check(state.writesHead(), is: .writeClosing)
        check(state.writesEnd(), is: .close)
    }
}
