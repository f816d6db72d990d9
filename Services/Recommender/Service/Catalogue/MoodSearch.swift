package import FoundationEssentials
import ImplicitALS
package import Messages

/// Chooses videos from what the keywords of a mood find.
package enum MoodSearch {
    /// At most `count` different videos, none of them in `excluded`.
    ///
    /// The keywords take turns, so that all sides of a mood show. Where the turns start, and where in a keyword's list,
    /// depends on the seed: different people get different videos, and one seed always gets the same. The order is drawn
    /// before `excluded` is left out, so what somebody has just seen is replaced and the rest mostly stays.
    package static func choose(
        _ count: Int, from found: [[Video]], seed: Seed, excluding excluded: Set<VideoID>
    ) -> [Video] {
        var random = SplitMix64(seed: seed.value)
        // Lists are shuffled one by one in a fixed order, so that a list's order depends on the seed and itself alone.
        var lists = found.map { $0.shuffled(using: &random) }
        lists.shuffle(using: &random)
        var chosen: [Video] = []
        var taken = excluded
        var turn = 0
        while chosen.count < count, lists.contains(where: { !$0.isEmpty }) {
            let index = turn % lists.count
            turn += 1
            while let video = lists[index].popLast() {
                if taken.insert(video.id).inserted {
                    chosen.append(video)
                    break
                }
            }
        }
        return chosen
    }

    /// What varies a choice.
    package struct Seed: Sendable, Hashable {
        fileprivate let value: UInt64

        /// For a person on a day: the same all day, so that a list only changes by what was seen.
        package init(user: UserID, day: Date) {
            self.init(user.uuid, Int64(day.timeIntervalSince1970 / 86_400))
        }

        /// For somebody unknown.
        package init(job: JobID) {
            self.init(job.uuid, 0)
        }

        private init(_ uuid: UUID, _ number: Int64) {
            value =
                withUnsafeBytes(of: uuid.uuid) { bytes in
                    bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
                        ^ bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                } ^ (UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15)
        }
    }
}
