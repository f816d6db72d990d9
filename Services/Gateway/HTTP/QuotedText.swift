extension StringProtocol where SubSequence == Substring {
    /// The pieces between separators; a separator within double quotes separates nothing.
    func splitOutsideQuotes(at separator: Character) -> [Substring] {
        var pieces: [Substring] = []
        var start = startIndex
        var isQuoted = false
        var isEscaped = false
        for index in indices {
            switch self[index] {
            case _ where isEscaped: isEscaped = false
            case "\\" where isQuoted: isEscaped = true
            case "\"": isQuoted.toggle()
            case separator where !isQuoted:
                pieces.append(self[start..<index])
                start = self.index(after: index)
            default: break
            }
        }
        return pieces + [self[start...]]
    }
}

extension Substring {
    /// Without the spaces and tabs around it.
    var trimmed: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    /// Without the double quotes around it, if any.
    var unquoted: Substring {
        count >= 2 && first == "\"" && last == "\"" ? dropFirst().dropLast() : self
    }
}
