import Testing

@testable import struct RecommenderTool.ProgressBar

@Suite(.timeLimit(.minutes(5))) struct ProgressBarTests {
    @Test func aTerminalSeesABarAndAFileALine() {
        let bar = ProgressBar.line(epoch: 5, total: 10, loss: 81234.6, seconds: 12.34, withBar: true)
        #expect(bar == "[###############---------------]  epoch 5/10  loss 81235  12.3 s")
        let line = ProgressBar.line(epoch: 10, total: 10, loss: 0.5, seconds: 0, withBar: false)
        #expect(line == "epoch 10/10  loss 0.5  0.0 s")
    }
}
