import FoundationEssentials
import Vision

/// Pairs of pictures, in folds, of the same person or of two: the form of LFW's pairs.txt.
///
/// The first line has the number of folds and of pairs; a fold has that many lines `name i j` of one person, then as many
/// `name i other j` of two.
struct VerificationPairs: Sendable {
    struct Pair: Sendable {
        let first: Picture
        let second: Picture
        let isSame: Bool
        let fold: Int
    }

    /// A person's n-th picture.
    struct Picture: Hashable, Comparable, Sendable {
        let name: String
        let number: Int

        /// NAME/NAME_0001.jpg.
        var path: String {
            let digits = String(number)
            return "\(name)/\(name)_\(String(repeating: "0", count: max(4 - digits.count, 0)))\(digits).jpg"
        }

        static func < (left: Picture, right: Picture) -> Bool {
            (left.name, left.number) < (right.name, right.number)
        }
    }

    let folds: Int
    let pairs: [Pair]

    /// All pictures named, each once.
    var pictures: [Picture] {
        Set(pairs.flatMap { [$0.first, $0.second] }).sorted()
    }

    init(_ data: Data) throws(EvaluationError) {
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }.filter { !$0.isEmpty }
        guard let header = lines.first, let folds = Int(header[0]), let count = header.last.flatMap({ Int($0) }),
            header.count <= 2, folds > 1, count > 0
        else { throw .list("its first line is not the number of folds and of pairs") }
        self.folds = folds
        guard lines.count - 1 == folds * count * 2 else {
            throw .list("\(folds) folds of twice \(count) pairs are announced, and \(lines.count - 1) are there")
        }
        var pairs: [Pair] = []
        for (number, fields) in lines.dropFirst().enumerated() {
            let fold = number / (2 * count)
            let isSame = number % (2 * count) < count
            guard fields.count == (isSame ? 3 : 4), let first = Int(fields[1]), let second = Int(fields.last!) else {
                throw .list("line \(number + 2) is not a pair \(isSame ? "of one person" : "of two people")")
            }
            let other = isSame ? fields[0] : fields[2]
            pairs.append(
                Pair(
                    first: Picture(name: fields[0], number: first), second: Picture(name: other, number: second),
                    isSame: isSame, fold: fold))
        }
        self.pairs = pairs
    }
}
