/// Vision found a face and looked at it. The picture itself does not travel on.
package struct FaceDetected: Message, Codable, Hashable {
    package static let name = "face-detected"

    package var request: SelfieRequest
    package var analysis: FaceAnalysis
    /// What the face is recognised by; `nil` where it is not fit for that.
    package var template: FaceTemplate?
    /// The same face as the previous identity network sees it, while one is named: by it people are found whom the current one has
    /// not met.
    package var previous: FaceTemplate?
    /// Why it is not fit for that: then no vector of it was computed.
    package var refusal: Person.Reason?

    /// A face to be recognised.
    package init(
        request: SelfieRequest, analysis: FaceAnalysis, template: FaceTemplate, previous: FaceTemplate? = nil
    ) {
        self.request = request
        self.analysis = analysis
        self.template = template
        self.previous = previous
    }

    /// A face not fit to be recognised.
    package init(request: SelfieRequest, analysis: FaceAnalysis, refusal: Person.Reason) {
        self.request = request
        self.analysis = analysis
        self.refusal = refusal
    }
}

/// A face as a unit vector: biometric data, which travels to identity and no further.
package struct FaceTemplate: Codable, Hashable, Sendable {
    /// The version of the identity network; only vectors of one version are compared.
    package var version: String
    /// 512 values, L2-normalised.
    package var values: [Float]

    package init(version: String, values: [Float]) {
        self.version = version
        self.values = values
    }
}
