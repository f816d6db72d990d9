package import FoundationEssentials
package import Messages
import ModelManifest

/// A face that asks to be recognised.
package struct Probe: Sendable {
    package var job: JobID
    /// When the picture was sent.
    package var submitted: Date
    package var template: FaceTemplate
    package var declaredNew: Bool

    package init(job: JobID, submitted: Date, template: FaceTemplate, declaredNew: Bool) {
        self.job = job
        self.submitted = submitted
        self.template = template
        self.declaredNew = declaredNew
    }

    /// Whether the template is of this network; vectors of different networks are never compared.
    func isComparable(with network: IdentityNetwork) -> Bool {
        template.version == network.version && template.values.count == network.width
    }
}
