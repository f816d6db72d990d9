package import Foundation

/// What a service made of a series of spoilt pictures, sent one after another.
package struct PictureFuzz: Sendable {
    /// How many answers there were of each HTTP status.
    package private(set) var statuses: [Int: Int] = [:]
    /// The picture whose answer took longest, and how many seconds.
    package private(set) var slowest = (picture: 0, seconds: 0.0)
    /// The picture that took most of the workers' processors, and how many seconds of them.
    package private(set) var heaviest = (picture: 0, seconds: 0.0)
    /// Seconds of processors that all pictures took.
    package private(set) var processorSeconds = 0.0
    /// Megabytes that a worker held at most.
    package private(set) var peak = 0
    /// How many megabytes more a worker held at any time in the second half than in the first.
    package private(set) var growth = 0
    /// Pictures whose answer was an error of the service, or none.
    package private(set) var failed: [Int] = []
    /// Whether a worker is not the process any more that it was.
    package private(set) var lostWorkers = 0

    /// Sends `count` pictures.
    ///
    /// - Parameters:
    ///   - workers: the processes that decode, which nobody else uses meanwhile.
    ///   - send: posts a picture and returns the answer's status.
    package init(
        _ pictures: PictureMutations, count: Int, workers: [WorkerProcess], send: (Data) async throws -> Int
    ) async throws {
        var held = (first: 0, second: 0)
        func worked() -> Double { workers.reduce(0) { $0 + ((try? $1.processorSeconds) ?? 0) } }
        let start = worked()
        var before = start
        for number in 0..<count {
            let clock = ContinuousClock()
            let sent = clock.now
            let status = (try? await send(pictures[number])) ?? 0
            let seconds = (clock.now - sent) / .seconds(1)
            let after = worked()
            statuses[status, default: 0] += 1
            if status == 0 || status >= 500 { failed.append(number) }
            if seconds > slowest.seconds { slowest = (number, seconds) }
            if after - before > heaviest.seconds { heaviest = (number, after - before) }
            before = after
            for worker in workers {
                guard let memory = try? worker.memory else { continue }
                if number < count / 2 {
                    held.first = max(held.first, memory.now)
                } else {
                    held.second = max(held.second, memory.now)
                }
                peak = max(peak, memory.most)
            }
        }
        processorSeconds = before - start
        growth = held.second - held.first
        lostWorkers = workers.count { !$0.isRunning }
    }
}
