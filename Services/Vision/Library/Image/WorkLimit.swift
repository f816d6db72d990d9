import FoundationEssentials
import Glibc
import Messages

/// How much work looking at one picture may be, and until when anybody wants to know.
///
/// Asked between the steps and inside their loops, which end by the failure that the client is told. It counts the
/// processor time of the thread it was made on, so that a busy machine refuses nothing: make it on the thread that works,
/// and use it there.
package struct WorkLimit {
    /// The processor time that was given.
    private let work: Duration?
    /// When it is used up, by the thread's own clock, in nanoseconds; `UInt64.max` for never.
    private let end: UInt64
    /// When the answer is worth nothing any more.
    private let deadline: Date?

    /// Begins to count.
    init(_ work: Duration, deadline: Date? = nil) {
        self.work = work
        let (seconds, attoseconds) = work.components
        end = Self.worked + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
        self.deadline = deadline
    }

    private init() {
        (work, end, deadline) = (nil, .max, nil)
    }

    /// For commands, whose pictures are the operator's own.
    package static var unlimited: WorkLimit { WorkLimit() }

    /// Throws `tooLarge` when the picture has had its share of the processor, `deadlinePassed` when nobody waits any more.
    ///
    /// Takes up to a microsecond.
    func check() throws(Failure) {
        if end < .max, Self.worked >= end {
            throw Failure(
                .tooLarge,
                "The picture takes more than the \(Self.words(work ?? .zero)) of work that one may take; a smaller or plainer copy does not.",
                stage: .vision)
        }
        if let deadline, Date.now >= deadline {
            throw Failure(.deadlinePassed, "The picture was not looked at in time.", stage: .vision)
        }
    }

    /// Whether `check()` throws nothing, for those who cannot throw.
    var allowsMore: Bool { (try? check()) != nil }

    private static func words(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds == 1 ? "second" : "\(seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)") seconds"
    }

    /// What this thread has worked so far, in nanoseconds.
    private static var worked: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// It reads one thread's clock.
@available(*, unavailable)
extension WorkLimit: Sendable {}
