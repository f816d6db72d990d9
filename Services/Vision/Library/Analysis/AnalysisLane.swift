import Dispatch
package import FoundationEssentials
package import Messages

/// An executor on a dispatch queue of its own, for work that keeps a processor busy or blocks in C.
final class SerialQueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// One analyser on a thread of its own: away from the threads that everything else shares, one piece of work at a time.
package actor AnalysisLane {
    private nonisolated let executor: SerialQueueExecutor
    private let analyser: FaceAnalyser

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ networks: FaceNetworks, number: Int) throws(InferenceError) {
        executor = SerialQueueExecutor(label: "mien.vision.\(number)")
        analyser = try FaceAnalyser(networks)
    }

    /// Decodes a picture and cuts out its largest face.
    ///
    /// - Parameter recognising: whether identity will be asked whose face it is: without that, or where the face is not fit for
    ///   it, there is no crop to compute a vector from, which is biometric data and half of the work.
    ///
    /// Throws a `Failure` where the picture is at fault, takes more work than the settings allow, or is looked at past
    /// its deadline; an `InferenceError` where the networks are at fault.
    package func look(
        at data: Data, _ settings: LookSettings, recognising: Bool = true, deadline: Date? = nil
    ) throws -> AlignedFace {
        let work = WorkLimit(settings.limits.work, deadline: deadline)
        try work.check()
        let picture = try Picture(data, limits: settings.limits, within: work)
        guard
            var face = try analyser.largestFace(
                in: picture, smallest: settings.smallestFace, within: work,
                closer: { (times) throws(Failure) in
                    try picture.closer(by: times, data, limits: settings.limits, within: work)
                })
        else {
            throw Failure(.noFace, "There is no face in the picture.", stage: .vision)
        }
        if !recognising || face.refusal != nil { face.identityCrop = nil }
        return face
    }

    /// Decodes a picture and finds all faces in it. Throws as `look` does.
    package func faces(in data: Data, _ settings: LookSettings, deadline: Date? = nil) throws -> FacesFound {
        let work = WorkLimit(settings.limits.work, deadline: deadline)
        try work.check()
        let picture = try Picture(data, limits: settings.limits, within: work)
        let faces = try analyser.everyFace(in: picture, smallest: settings.smallestFace, within: work)
        return FacesFound(image: picture.size, faces: faces)
    }

    /// Runs both networks over faces that waited together.
    package func read(_ faces: [AlignedFace]) throws(InferenceError) -> [FaceReading] {
        try analyser.read(faces)
    }

    /// Runs other work that needs the analyser: evaluation and timing.
    package func run<Result: Sendable>(_ work: @Sendable (FaceAnalyser) throws -> Result) throws -> Result {
        try work(analyser)
    }
}

/// How a picture is looked at.
package struct LookSettings: Hashable, Sendable {
    package var limits = ImageLimits()
    /// The shorter side of the smallest face looked for, in pixels of the picture as it is looked at.
    package var smallestFace: Float = 20
    /// What that may be: P-Net's window at least.
    package static let faces = 12.0...10_000.0

    package init() {}
}

/// The lanes of a process: as many as may work at once.
package actor AnalysisLanes {
    package nonisolated let networks: FaceNetworks
    nonisolated let count: Int
    private var idle: [AnalysisLane]
    private var waiting: [CheckedContinuation<AnalysisLane, Never>] = []

    /// Loads what the manifest in `directory` names, for `count` lanes, and of the one in `previous` the identity network.
    package init(
        directory: String, previous: String? = nil, precision: Precision = .fastest, count: Int
    ) throws(InferenceError) {
        let networks = try FaceNetworks(
            directory: directory, previous: previous, precision: precision, lanes: count)
        var lanes: [AnalysisLane] = []
        for number in 0..<count { lanes.append(try AnalysisLane(networks, number: number)) }
        self.networks = networks
        self.count = count
        idle = lanes
    }

    /// Lends a lane as soon as one is free, first come first served.
    package nonisolated func withLane<Result: Sendable>(
        _ body: (AnalysisLane) async throws -> Result
    ) async throws -> Result {
        let lane = await take()
        do {
            let result = try await body(lane)
            await giveBack(lane)
            return result
        } catch {
            await giveBack(lane)
            throw error
        }
    }

    /// Runs `body` over all elements on all lanes; results stand in the elements' order.
    ///
    /// - Parameter progress: told how many are done, each time a hundred more are.
    package nonisolated func map<Element: Sendable, Result: Sendable>(
        _ elements: [Element], progress: @Sendable (Int) -> Void = { _ in },
        _ body: @escaping @Sendable (FaceAnalyser, Element) throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: elements.count)
            var next = 0
            var done = 0
            while done < elements.count {
                while next < elements.count, next - done < 2 * count {
                    let (index, element) = (next, elements[next])
                    group.addTask {
                        let result = try await self.withLane { lane in try await lane.run { try body($0, element) } }
                        return (index, result)
                    }
                    next += 1
                }
                guard let (index, result) = try await group.next() else { break }
                results[index] = result
                done += 1
                if done % 100 == 0 { progress(done) }
            }
            return results.compactMap(\.self)
        }
    }

    /// Runs every network once on every lane.
    package nonisolated func rehearse() async throws {
        try await withThrowingTaskGroup { group in
            for lane in await idle {
                group.addTask { try await lane.run { try $0.rehearse() } }
            }
            try await group.waitForAll()
        }
    }

    private func take() async -> AnalysisLane {
        if let lane = idle.popLast() { return lane }
        return await withCheckedContinuation { waiting.append($0) }
    }

    private func giveBack(_ lane: AnalysisLane) {
        if waiting.isEmpty {
            idle.append(lane)
        } else {
            waiting.removeFirst().resume(returning: lane)
        }
    }
}
