internal import Digest
internal import FoundationEssentials
internal import Glibc
package import Messages

/// Who was erased, written down outside the database: a backup of it brings people back, and whoever restores one erases
/// again whom this names.
///
/// A folder with a file a day, named by the date (UTC), so that old ones can be deleted while gateways write. Each line is the
/// SHA-256 of an id's sixteen bytes, in hexadecimal.
package struct ErasureLedger: Sendable {
    private let folder: String

    /// The folder is made when it is needed; its parent has to be there.
    package init(folder: String) {
        self.folder = folder
    }

    /// Writes an erasure down; when it returns, the line outlives a power failure. Blocks the thread.
    package func record(_ user: UserID) throws(ErasureLedgerError) {
        let digest = withUnsafeBytes(of: user.uuid.uuid, SHA256.hash)
        let line = Array((digest.hexadecimal() + "\n").utf8)
        mkdir(folder, 0o700)
        let path = "\(folder)/\(Date.now.formatted(.iso8601.year().month().day()))"
        let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw ErasureLedgerError(path: path, code: errno) }
        defer { close(file) }
        // One call a line: the lines of several gateways don't mix.
        guard write(file, line, line.count) == line.count, fsync(file) == 0 else {
            throw ErasureLedgerError(path: path, code: errno)
        }
    }
}

/// An erasure could not be written down.
package struct ErasureLedgerError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    package var description: String { "\(path): \(String(cString: strerror(code)))" }
}
