/// Why a face could not be recognised.
package enum RecognitionError: Error, Hashable {
    /// Vision runs another network than this worker, as may happen while a new one is rolled out.
    case otherNetwork(theirs: String, ours: String)
    /// The job had enrolled somebody who has been erased since.
    case erased
}
