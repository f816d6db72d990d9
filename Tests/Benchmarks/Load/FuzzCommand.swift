import ArgumentParser
import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import PictureFuzz

/// Sends spoilt pictures to a running suite, one after another, and looks at what becomes of it.
///
/// The last line on stdout is one JSON object. The status is 1 when an answer was an error of the service, a worker was lost, or a
/// picture took more work than one may.
struct FuzzCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz", abstract: "Posts spoilt pictures and prints statuses, work and memory.")

    @Option(help: "The gateway's address.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Names the series of pictures: the same seed, the same pictures.")
    var seed: UInt64 = 1

    @Option(help: "How many pictures of the series are sent.")
    var count = 5000

    @Option(help: "Print nothing of the whole series and send this one picture of it.")
    var only: Int?

    @Option(help: "The processor time that one picture may take, in seconds, as the service was told.")
    var work = 2.0

    @Argument(help: "Process ids of the vision workers.")
    var workers: [Int]

    /// What a picture takes beside the limited part, and the coarseness of the clock.
    private static let margin = 0.5

    mutating func run() async throws {
        let pictures = try PictureMutations(seed: seed)
        if let only {
            print(try await Self.post(pictures[only], to: url))
            return
        }
        let fuzz = try await PictureFuzz(pictures, count: count, workers: try workers.map(WorkerProcess.init)) {
            [url] picture in try await Self.post(picture, to: url)
        }
        for (status, count) in fuzz.statuses.sorted(by: { $0.key < $1.key }) {
            print("\(status == 0 ? "no answer" : "\(status)"): \(count)")
        }
        print("slowest answer: picture \(fuzz.slowest.picture), \(rounded(fuzz.slowest.seconds)) s")
        print("most work: picture \(fuzz.heaviest.picture), \(rounded(fuzz.heaviest.seconds)) CPU-s")
        print("all work: \(rounded(fuzz.processorSeconds)) CPU-s")
        print("a worker's memory at its peak: \(fuzz.peak) MB, grown in the second half by \(fuzz.growth) MB")
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let record = Record(
            seed: seed, count: count,
            statuses: Dictionary(uniqueKeysWithValues: fuzz.statuses.map { ("\($0.key)", $0.value) }),
            slowestSeconds: rounded(fuzz.slowest.seconds), heaviestCPUSeconds: rounded(fuzz.heaviest.seconds),
            cpuSeconds: rounded(fuzz.processorSeconds), peakMB: fuzz.peak, grownMB: fuzz.growth, failed: fuzz.failed,
            lostWorkers: fuzz.lostWorkers)
        print(String(decoding: try encoder.encode(record), as: UTF8.self))
        guard fuzz.failed.isEmpty, fuzz.lostWorkers == 0, fuzz.heaviest.seconds <= work + Self.margin else {
            throw ExitCode.failure
        }
    }

    private static func post(_ picture: Data, to url: String) async throws -> Int {
        var request = HTTPClientRequest(url: "\(url)/v1/analyses")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = .bytes(ByteBuffer(bytes: picture))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        _ = try await response.body.collect(upTo: 1 << 20)
        return Int(response.status.code)
    }

    private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    private struct Record: Encodable {
        let seed: UInt64
        let count: Int
        let statuses: [String: Int]
        let slowestSeconds: Double
        let heaviestCPUSeconds: Double
        let cpuSeconds: Double
        let peakMB: Int
        let grownMB: Int
        let failed: [Int]
        let lostWorkers: Int
    }
}
