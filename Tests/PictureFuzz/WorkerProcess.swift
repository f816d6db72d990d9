import Foundation

/// One process of this machine, as /proc has it.
package struct WorkerProcess: Sendable {
    private let id: Int
    private let began: String

    /// Fails when there is no such process.
    package init(id: Int) throws {
        self.id = id
        began = try Self.fields(id)[19]
    }

    /// Whether it still runs, and another process has not got its number.
    package var isRunning: Bool { (try? Self.fields(id)[19]) == began }

    /// Seconds of processors that it has used, in hundredths.
    package var processorSeconds: Double {
        get throws {
            let fields = try Self.fields(id)
            return (Double(fields[11]) ?? 0) / 100 + (Double(fields[12]) ?? 0) / 100
        }
    }

    /// Megabytes of memory that it holds now, and that it held at most.
    package var memory: (now: Int, most: Int) {
        get throws {
            let status = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
            func megabytes(_ name: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
                return (line?.split(whereSeparator: \.isWhitespace)[1]).flatMap { Int($0) }.map { $0 / 1024 } ?? 0
            }
            return (megabytes("VmRSS"), megabytes("VmHWM"))
        }
    }

    /// What follows the name in /proc/N/stat.
    private static func fields(_ id: Int) throws -> [String] {
        let text = try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        return text[text.lastIndex(of: ")")!...].split(separator: " ").dropFirst().map(String.init)
    }
}
