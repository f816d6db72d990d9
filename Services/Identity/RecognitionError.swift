/// Why a face could not be recognised.
package enum RecognitionError: Error, Hashable {
    /// Vision runs another network than this worker, as may happen while a new one is rolled out.
    case otherNetwork(theirs: [String], ours: String)
}
