package import CoreMetrics
internal import Synchronization

/// Keeps what swift-metrics counts and writes it in Prometheus's text format 0.0.4.
///
/// A `Counter` is a counter, a `Meter` or `Gauge` a gauge, a `Timer` a histogram in seconds with fixed buckets, an
/// aggregating `Recorder` a histogram over powers of two. A metric's label is its name, its dimensions are its labels.
/// A name that is used for two kinds keeps the first; the second is counted nowhere.
package final class PrometheusRegistry: MetricsFactory {
    /// Upper bounds of the latency buckets, in seconds.
    package static let latencyBuckets = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]
    /// Upper bounds of the buckets for sizes.
    package static let sizeBuckets = (0..<12).map { Double(1 << $0) }

    private struct Family {
        var kind: Kind
        var series: [Labels: any Series] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Everything counted so far.
    package func text() -> String {
        let families = state.withLock { $0.families }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key.text < $1.key.text }) {
                series.write(name: name, labels: labels, to: &text)
            }
        }
        return text
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { CounterSeries() }
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter) { FloatingPointCounterSeries() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            series(label, dimensions, .histogram) { HistogramSeries(bounds: Self.sizeBuckets) }
        } else {
            series(label, dimensions, .gauge) { GaugeSeries() }
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram) { HistogramSeries(bounds: Self.latencyBuckets) }
    }

    // Prometheus expects a counter to stay while the process lives, so nothing is ever destroyed.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func series<S: Series>(
        _ label: String, _ dimensions: [(String, String)], _ kind: Kind, _ make: () -> S
    ) -> S {
        let name = Labels.name(label)
        let labels = Labels(dimensions)
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            if let known = family.series[labels] as? S { return known }
            let new = make()
            if family.kind == kind, family.series[labels] == nil {
                family.series[labels] = new
                state.families[name] = family
            }
            return new
        }
    }

    private enum Kind: String {
        case counter, gauge, histogram
    }
}

/// The labels of one series, as they are written, without braces.
private struct Labels: Hashable {
    let text: String

    init(_ dimensions: [(String, String)]) {
        text =
            dimensions
            .map { (Self.name($0.0), $0.1) }
            .sorted { $0.0 < $1.0 }
            .map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
            .joined(separator: ",")
    }

    var braces: String { text.isEmpty ? "" : "{\(text)}" }

    func braces(adding label: String) -> String {
        text.isEmpty ? "{\(label)}" : "{\(text),\(label)}"
    }

    /// A name as Prometheus allows it: letters, digits, underscores, colons.
    static func name(_ text: String) -> String {
        let name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == ":" ? $0 : "_" })
        return name.first?.isNumber == true ? "_" + name : name
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// A number as Prometheus reads it.
private func number(_ value: Double) -> String {
    if value == .infinity { return "+Inf" }
    if value == -.infinity { return "-Inf" }
    if value.isNaN { return "NaN" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
}

private protocol Series: AnyObject, Sendable {
    func write(name: String, labels: Labels, to text: inout String)
}

private final class CounterSeries: Series, CounterHandler {
    private let count = Atomic<Int64>(0)

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }

    func write(name: String, labels: Labels, to text: inout String) {
        text += "\(name)\(labels.braces) \(count.load(ordering: .relaxed))\n"
    }
}

private final class FloatingPointCounterSeries: Series, FloatingPointCounterHandler {
    private let count = Mutex(0.0)

    func increment(by amount: Double) { count.withLock { $0 += amount } }
    func reset() { count.withLock { $0 = 0 } }

    func write(name: String, labels: Labels, to text: inout String) {
        text += "\(name)\(labels.braces) \(number(count.withLock { $0 }))\n"
    }
}

private final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func write(name: String, labels: Labels, to text: inout String) {
        text += "\(name)\(labels.braces) \(number(value.withLock { $0 }))\n"
    }
}

private final class HistogramSeries: Series, TimerHandler, RecorderHandler {
    private struct Counts {
        var buckets: [UInt64]
        var sum = 0.0
        var count: UInt64 = 0
    }

    private let bounds: [Double]
    private let counts: Mutex<Counts>

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Mutex(Counts(buckets: Array(repeating: 0, count: bounds.count)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 }
        counts.withLock { counts in
            if let bucket { counts.buckets[bucket] += 1 }
            counts.sum += value
            counts.count += 1
        }
    }

    func write(name: String, labels: Labels, to text: inout String) {
        let counts = counts.withLock { $0 }
        var cumulated: UInt64 = 0
        for (bound, count) in zip(bounds, counts.buckets) {
            cumulated += count
            text += "\(name)_bucket\(labels.braces(adding: "le=\"\(number(bound))\"")) \(cumulated)\n"
        }
        text += "\(name)_bucket\(labels.braces(adding: "le=\"+Inf\"")) \(counts.count)\n"
        text += "\(name)_sum\(labels.braces) \(number(counts.sum))\n"
        text += "\(name)_count\(labels.braces) \(counts.count)\n"
    }
}
