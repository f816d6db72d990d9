/// How many letters must be put in, left out, changed or swapped with the next to make one text of the other (Damerau's
/// distance, no letter touched twice). Case and signs do not count.
func editDistance(_ first: String, _ second: String) -> Int {
    let (a, b) = (letters(first), letters(second))
    var (beforeLast, last, row) = ([Int](), [Int](), Array(0...b.count))
    for i in 1..<(a.count + 1) {
        (beforeLast, last) = (last, row)
        row = [i]
        for j in 1..<(b.count + 1) {
            var least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { least = min(least, beforeLast[j - 2] + 1) }
            row.append(least)
        }
    }
    return row[b.count]
}

/// What is spelled most like a text; the first by alphabet among equals. `nil` where there is nothing to choose from.
func nearestSpelling(to text: String, among candidates: some Collection<String>) -> String? {
    candidates.sorted().min { editDistance(text, $0) < editDistance(text, $1) }
}

private func letters(_ text: String) -> [Character] {
    text.lowercased().filter { $0.isLetter || $0.isNumber }.map { $0 }
}
