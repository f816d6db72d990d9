package import Messages

/// One message that a stage is asked to work on.
package struct Job: Hashable, Sendable {
    package let envelope: Envelope

    package var header: JobHeader { envelope.header }
    package var id: JobID { envelope.header.job }

    package init(_ envelope: Envelope) {
        self.envelope = envelope
    }
}
