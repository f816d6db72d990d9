import Foundation

/// How far a training is, on standard error: a line that is drawn over at a terminal, a line an epoch elsewhere.
struct ProgressBar {
    private let total: Int
    private let isTerminal: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    /// A bar for `total` epochs.
    init(total: Int, isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
        self.total = total
        self.isTerminal = isTerminal
        start = clock.now
    }

    /// Shows that an epoch, counted from 1, is done.
    func show(epoch: Int, loss: Double) {
        let seconds = (clock.now - start) / .seconds(1)
        let text = Self.line(epoch: epoch, total: total, loss: loss, seconds: seconds, withBar: isTerminal)
        let end = !isTerminal || epoch == total ? "\n" : ""
        FileHandle.standardError.write(Data(((isTerminal ? "\r" : "") + text + end).utf8))
    }

    /// Such as `[##########----------]  epoch 5/10  loss 8.1234e+04  12.3 s`.
    static func line(epoch: Int, total: Int, loss: Double, seconds: Double, withBar: Bool) -> String {
        let width = 30
        let done = width * epoch / total
        let bar = "[" + String(repeating: "#", count: done) + String(repeating: "-", count: width - done) + "]  "
        let text = String(format: "epoch %d/%d  loss %.5g  %.1f s", epoch, total, loss, seconds)
        return (withBar ? bar : "") + text
    }
}
