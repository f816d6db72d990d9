internal import Messages
internal import ModelManifest

/// What becomes of a face.
enum Decision: Hashable, Sendable {
    /// It is this user's.
    case match(Nearest)
    /// It is nobody's known: enrol it. The distance to the nearest user, if there is any.
    case enrol(Float?)
    /// Neither match nor enrol.
    case uncertain(Person.Reason, Float?)

    /// Why a face is not fit to be recognised, if it is not; then nobody is compared.
    static func defect(of quality: FaceQuality, _ thresholds: Identification) -> Person.Reason? {
        if !(quality.size >= thresholds.minimumFace) { return .faceTooSmall }
        if !(quality.sharpness >= thresholds.minimumSharpness) { return .faceBlurred }
        if !(abs(quality.yaw) <= thresholds.maximumYaw) { return .faceTurned }
        return nil
    }

    /// Decides by the distance to the nearest user. Who says that they are new settles what is ambiguous, and cannot
    /// make a second user of somebody who certainly is one.
    init(nearest: Nearest?, declaredNew: Bool, _ thresholds: Identification) {
        guard let nearest else {
            self = .enrol(nil)
            return
        }
        if nearest.distance <= thresholds.match {
            self = .match(nearest)
        } else if nearest.distance > thresholds.enrol || declaredNew {
            self = .enrol(nearest.distance)
        } else {
            self = .uncertain(.ambiguous, nearest.distance)
        }
    }
}
