import FoundationEssentials
import Histogram

/// Throughput and latency of one run, in all and by stage.
struct LoadReport {
    private let answered: Int
    private let failed: Int
    private let seconds: Double
    private let total: Latency
    private let overhead: Latency
    private let stages: [(name: String, queued: Latency, worked: Latency)]

    init(answers: [Answer], elapsed: Duration) {
        var total = Latency()
        var overhead = Latency()
        var stages: [(name: String, queued: Latency, worked: Latency)] = []
        var answered = 0
        for answer in answers {
            guard let timings = answer.timings else { continue }
            answered += 1
            let milliseconds = answer.elapsed / .milliseconds(1)
            total.record(milliseconds)
            let looking = timings.first { $0.stage == "vision" }?.workedMs ?? 0
            let waiting = timings.first { $0.stage == "vision" }?.queuedMs ?? 0
            overhead.record(milliseconds - looking - waiting)
            for timing in timings {
                let index = stages.firstIndex { $0.name == timing.stage } ?? stages.endIndex
                if index == stages.endIndex { stages.append((timing.stage, Latency(), Latency())) }
                stages[index].queued.record(timing.queuedMs)
                stages[index].worked.record(timing.workedMs)
            }
        }
        self.answered = answered
        failed = answers.count - answered
        seconds = elapsed / .seconds(1)
        self.total = total
        self.overhead = overhead
        self.stages = stages
    }

    /// A table for people.
    var table: String {
        var rows = ["\(answered) answered, \(failed) failed, \(rounded(Double(answered) / seconds)) a second"]
        rows.append(row("", "p50 ms", "p99 ms"))
        rows.append(row("whole request", total))
        for stage in stages {
            rows.append(row("\(stage.name), waiting", stage.queued))
            rows.append(row("\(stage.name), working", stage.worked))
        }
        rows.append(row("all but vision", overhead))
        return rows.joined(separator: "\n")
    }

    /// The same for a script, on one line.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let record = Record(
                answered: answered, failed: failed, perSecond: Double(answered) / seconds, p50: total.percentile(50),
                p99: total.percentile(99), besideVisionP50: overhead.percentile(50))
            return String(decoding: try encoder.encode(record), as: UTF8.self)
        }
    }

    private func row(_ name: String, _ latency: Latency) -> String {
        row(name, rounded(latency.percentile(50)), rounded(latency.percentile(99)))
    }

    private func row(_ name: String, _ cells: String...) -> String {
        let padded = cells.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }
        return name + String(repeating: " ", count: max(1, 24 - name.count)) + padded.joined()
    }

    private func rounded(_ value: Double) -> String {
        String((value * 100).rounded() / 100)
    }

    private struct Record: Encodable {
        let answered: Int
        let failed: Int
        let perSecond: Double
        let p50: Double
        let p99: Double
        let besideVisionP50: Double
    }
}

/// Recorded durations, kept to three significant digits of a microsecond count.
struct Latency {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: .three)

    /// A negative duration, which two unsynchronised clocks can give, counts as none.
    mutating func record(_ milliseconds: Double) {
        histogram.record(UInt64(max(0, milliseconds) * 1000))
    }

    /// The given percentile, in milliseconds.
    func percentile(_ percentile: Double) -> Double {
        Double(histogram.valueAtPercentile(percentile)) / 1000
    }
}
