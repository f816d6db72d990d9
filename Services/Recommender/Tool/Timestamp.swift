/// When something was, as files of ratings write it, as a number that grows with time.
package struct Timestamp: Sendable, Hashable {
    /// Seconds since 1970 of a date, a plain number as it is.
    package let value: Double

    /// Reads a number of whatever unit since whenever, or a date as ISO 8601 writes it, with or without a time and its zone
    /// (`2026-11-27 18:20:05.5+01:00`); `nil` for anything else. A file should keep to one of these.
    package init?(_ text: String) {
        let text = text.trimmed
        guard let value = Double(text) ?? Self.seconds(text), value.isFinite else { return nil }
        self.value = value
    }

    private static func seconds(_ text: String) -> Double? {
        var rest = Array(text.utf8)[...]
        guard let year = take(4, &rest), take("-", &rest), let month = take(2, &rest), take("-", &rest),
            let day = take(2, &rest), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let date = Double(days(year: year, month: month, day: day)) * 86_400
        guard !rest.isEmpty else { return date }
        guard take("T", &rest) || take(" ", &rest), let hour = take(2, &rest), take(":", &rest),
            let minute = take(2, &rest)
        else { return nil }
        var time = Double(hour * 3600 + minute * 60)
        if take(":", &rest) {
            guard let second = take(2, &rest) else { return nil }
            time += Double(second)
            if take(".", &rest) {
                let digits = rest.prefix { isDigit($0) }
                rest = rest.dropFirst(digits.count)
                guard let fraction = Double("0." + String(decoding: digits, as: UTF8.self)) else { return nil }
                time += fraction
            }
        }
        guard let zone = zone(&rest), rest.isEmpty else { return nil }
        return date + time - zone
    }

    /// Seconds east of Greenwich; 0 where nothing says so.
    private static func zone(_ rest: inout ArraySlice<UInt8>) -> Double? {
        if rest.isEmpty || take("Z", &rest) { return 0 }
        let isEast = take("+", &rest)
        guard isEast || take("-", &rest), let hours = take(2, &rest) else { return nil }
        let hasColon = take(":", &rest)
        guard let minutes = rest.isEmpty && !hasColon ? 0 : take(2, &rest) else { return nil }
        return Double(hours * 3600 + minutes * 60) * (isEast ? 1 : -1)
    }

    private static func take(_ digits: Int, _ rest: inout ArraySlice<UInt8>) -> Int? {
        let text = rest.prefix(digits)
        guard text.count == digits, text.allSatisfy(isDigit) else { return nil }
        rest = rest.dropFirst(digits)
        return Int(String(decoding: text, as: UTF8.self))
    }

    private static func take(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Days since 1970-01-01 of the Gregorian calendar, by years that begin in March, so that a leap day is a year's last.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let march = month > 2 ? (year: year, month: month - 3) : (year: year - 1, month: month + 9)
        let leapDays = march.year / 4 - march.year / 100 + march.year / 400
        return march.year * 365 + leapDays + (march.month * 153 + 2) / 5 + day - 719_469
    }
}
