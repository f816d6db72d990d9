package import FoundationEssentials
package import Messages

/// A face that asks to be recognised.
package struct Probe: Sendable {
    package var job: JobID
    /// When the picture was sent.
    package var submitted: Date
    /// The face's vectors, the one of the current network first.
    package var templates: [FaceTemplate]
    package var declared: Declaration?
    /// Who it may be, by what the client remembers.
    package var claims: [UserID]

    package init(
        job: JobID, submitted: Date, templates: [FaceTemplate], declared: Declaration? = nil, claims: [UserID] = []
    ) {
        self.job = job
        self.submitted = submitted
        self.templates = templates
        self.declared = declared
        self.claims = claims
    }
}
