import Broker
import Logging
import Messages
import Metrics
import ModelManifest
import Vision

/// The first stage of a selfie and the only one of an analysis: sees the largest face and what it shows, or where all are.
///
/// Pictures are decoded and searched each by itself on the lanes; the faces found then share one run of the networks.
/// Keeps nothing, so that a job that comes twice has no second effect.
struct VisionStage: StageHandler {
    private let lanes: AnalysisLanes
    private let settings: LookSettings
    private let logger: Logger
    /// `mien_vision_step_seconds{step}`: `look` a picture, `read` a batch of faces.
    private let looking = Timer(label: "mien_vision_step_seconds", dimensions: [("step", "look")])
    private let reading = Timer(label: "mien_vision_step_seconds", dimensions: [("step", "read")])

    init(lanes: AnalysisLanes, settings: LookSettings, logger: Logger) {
        self.lanes = lanes
        self.settings = settings
        self.logger = logger
    }

    /// A job between its two steps.
    private enum Progress: Sendable {
        case seen(SelfieRequest, AlignedFace)
        case ended(Outcome)
    }

    func handle(_ jobs: [Envelope]) async -> [Outcome] {
        let progress = await look(at: jobs)
        var outcomes: [Outcome?] = progress.map { if case .ended(let outcome) = $0 { outcome } else { nil } }
        let seen = progress.enumerated().compactMap { index, progress in
            if case .seen(let request, let face) = progress {
                (index: index, request: request, face: face)
            } else {
                nil
            }
        }
        if !seen.isEmpty {
            do {
                let readings = try await timed(reading) { lane in try await lane.read(seen.map(\.face)) }
                for (entry, reading) in zip(seen, readings) {
                    outcomes[entry.index] = complete(jobs[entry.index], entry.request, entry.face, reading)
                }
            } catch {
                for entry in seen { outcomes[entry.index] = failed(jobs[entry.index], error) }
            }
        }
        return outcomes.map { $0 ?? .retry(Self.unavailable) }
    }

    private func look(at jobs: [Envelope]) async -> [Progress] {
        await withTaskGroup(of: (Int, Progress).self) { group in
            for (index, job) in jobs.enumerated() {
                group.addTask { (index, await look(at: job)) }
            }
            var results = [Progress](repeating: .ended(.retry(Self.unavailable)), count: jobs.count)
            for await (index, progress) in group { results[index] = progress }
            return results
        }
    }

    private func look(at job: Envelope) async -> Progress {
        let submitted: ImageSubmitted
        do {
            submitted = try job.decode(ImageSubmitted.self)
        } catch {
            return .ended(.unreadable(error))
        }
        do {
            let deadline = job.header.reply.deadline
            if job.header.trip == .faces {
                let found = try await timed(looking) { [settings] lane in
                    try await lane.faces(in: submitted.image, settings, deadline: deadline)
                }
                return .ended(.completed(found))
            }
            let isRecognised = job.header.trip.stages.contains(.identity)
            let face = try await timed(looking) { [settings] lane in
                try await lane.look(at: submitted.image, settings, recognising: isRecognised, deadline: deadline)
            }
            return .seen(submitted.request, face)
        } catch {
            return .ended(failed(job, error))
        }
    }

    /// Runs work on a lane and measures it, the waiting for the lane left out.
    private func timed<Result: Sendable>(
        _ timer: Timer, _ work: @Sendable (AnalysisLane) async throws -> Result
    ) async throws -> Result {
        try await lanes.withLane { lane in
            let start = ContinuousClock.now
            defer { timer.record(duration: ContinuousClock.now - start) }
            return try await work(lane)
        }
    }

    private func complete(
        _ job: Envelope, _ request: SelfieRequest, _ face: AlignedFace, _ reading: FaceReading
    ) -> Outcome {
        let networks = lanes.networks
        let analysis = networks.analysis(of: face, reading, reacting: request.watching != nil)
        switch job.header.trip {
        case .selfie:
            if let refusal = face.refusal {
                return .completed(FaceDetected(request: request, analysis: analysis, refusal: refusal))
            }
            guard let values = reading.identity else { return .retry(Self.unavailable) }
            let template = FaceTemplate(version: networks.identity.version, values: values)
            let previous = networks.previousIdentity.flatMap { network in
                reading.previousIdentity.map { FaceTemplate(version: network.version, values: $0) }
            }
            return .completed(
                FaceDetected(request: request, analysis: analysis, template: template, previous: previous))
        case .analysis:
            return .completed(FaceAnalysed(analysis: analysis))
        case .faces, .user, .recommendations, .click, .feedback, .merge, .erasure:
            return .failed(
                Failure(.internalError, "The trip \(job.header.trip.rawValue) does not pass vision.", stage: .vision))
        }
    }

    private func failed(_ job: Envelope, _ error: any Error) -> Outcome {
        if let failure = error as? Failure { return .failed(failure) }
        logger.error("Networks failed", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
        return .retry(Self.unavailable)
    }

    private static let unavailable = Failure(.internalError, "The networks failed on the picture.", stage: .vision)
}
