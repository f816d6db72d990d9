import ArgumentParser
import FaceSearch
import Foundation
import LinearAlgebra
import Messages
import Processor

/// `bench-identity`: searches faces that faces.py wrote, by the index and by OpenBLAS's products, and prints what each took as one
/// JSON object. Reading the file doesn't count.
@main
struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-identity", abstract: "Measures the search.")

    @Argument(help: "Faces as faces.py writes them.") var file: String
    @Option(help: "How many of the faces.") var faces: Int
    @Option(help: "People a probe.") var people = 5
    @Option(help: "Probes at a time.") var batch = 32
    @Option(help: "The instructions that multiply bytes.") var instructions = ByteProducts.best

    static func main() {
        OpenBLAS.chooseKernel()
        main(nil)
    }

    func run() throws {
        OpenBLAS.use(threads: 1)
        let dump = try FacesDump(path: file)
        let before = Cost.residentMegabytes
        var index = FaceIndex(width: dump.width)
        let ids = (0..<(faces + 1) / 2).map { _ in UserID.random() }
        var adding = 0.0
        for row in 0..<faces {
            let template = dump.row(row)
            let start = Cost.cpu
            index.insert(KnownFace(id: Int64(row), person: ids[row / 2]), template: template)
            adding += Cost.cpu - start
        }
        let resident = Cost.residentMegabytes - before
        let probes = (0..<dump.probes).map { dump.row(dump.templates + $0) }
        var nearest: [Int64] = []
        let search = median(of: probes, by: batch) { probes in
            var search = FaceSearch(for: probes, people: people, instructions: instructions)
            search.run(in: index)
            nearest += search.matches.map { $0[0].face.id }
        }
        let alone = median(of: Array(probes.prefix(batch)), by: 1) { probes in
            var search = FaceSearch(for: probes, people: people, instructions: instructions)
            search.run(in: index)
        }
        let peak = Cost.residentMegabytes - before
        let blas = dump.withTemplates { templates in
            (
                median(of: probes, by: batch) { multiply(templates, by: $0) },
                median(of: Array(probes.prefix(batch)), by: 1) { multiply(templates, by: $0) }
            )
        }
        let result: [String: any Sendable] = [
            "ready_s": adding, "resident_mb": resident, "peak_mb": peak, "search_ms": search, "search_alone_ms": alone,
            "blas_ms": blas.0, "blas_alone_ms": blas.1, "nearest": nearest, "corename": OpenBLAS.coreName,
            "instructions": instructions.rawValue,
        ]
        print(String(decoding: try JSONSerialization.data(withJSONObject: result, options: .sortedKeys), as: UTF8.self))
    }

    /// CPU-milliseconds a probe, the median over the batches.
    private func median(of probes: [[Float]], by batch: Int, _ search: ([[Float]]) -> Void) -> Double {
        let costs = stride(from: 0, to: probes.count, by: batch).map { start in
            let some = Array(probes[start..<min(start + batch, probes.count)])
            let begin = Cost.cpu
            search(some)
            return (Cost.cpu - begin) / Double(some.count)
        }
        return 1000 * costs.sorted()[costs.count / 2]
    }

    /// Products alone, and the greatest of each probe's: less than a search has to do.
    private func multiply(_ templates: UnsafePointer<Float>, by probes: [[Float]]) {
        let width = probes[0].count
        let flat = Array(probes.joined())
        let block = 4096
        var cosines = [Float](repeating: 0, count: block * probes.count)
        var best = [Float](repeating: -2, count: probes.count)
        for start in stride(from: 0, to: faces, by: block) {
            let rows = min(block, faces - start)
            if probes.count == 1 {
                BLAS.multiply(templates + start * width, rows: rows, rank: width, by: flat, into: &cosines)
            } else {
                BLAS.multiply(
                    flat, rows: probes.count, by: templates + start * width, columns: rows, rank: width, into: &cosines)
            }
            for probe in probes.indices {
                for row in 0..<rows where cosines[probe * rows + row] > best[probe] {
                    best[probe] = cosines[probe * rows + row]
                }
            }
        }
        precondition(best.allSatisfy { $0 > -2 })
    }
}

extension ByteProducts: ExpressibleByArgument {}

/// What the process used.
private enum Cost {
    /// User and system time, in seconds.
    static var cpu: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Memory that the process has now, without what it mapped of files.
    static var residentMegabytes: Double {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").compactMap { Double($0) }
        return pages.count > 2 ? (pages[1] - pages[2]) * 4096 / 1e6 : .nan
    }
}
