/// The answer to an analysis: what was seen, with nothing stored.
package struct FaceAnalysed: Message, Codable, Hashable {
    package static let name = "face-analysed"

    package var analysis: FaceAnalysis

    package init(analysis: FaceAnalysis) {
        self.analysis = analysis
    }
}
