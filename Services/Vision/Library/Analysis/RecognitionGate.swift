import Messages
import ModelManifest

extension Identification {
    /// Why a face in a picture of a size is not fit to be recognised or enrolled, if it is not.
    func refusal(of face: Face, in picture: PixelSize) -> Person.Reason? {
        if face.quality.size < minimumFace { return .faceTooSmall }
        if !face.landmarks.eyesLie(in: picture) { return .faceCutOff }
        if face.quality.sharpness < minimumSharpness { return .faceBlurred }
        if abs(face.quality.yaw) > maximumYaw { return .faceTurned }
        if face.probability < minimumProbability { return .faceUnclear }
        return nil
    }
}

extension Landmarks {
    /// Whether both eyes are seen: a tenth of their distance about their middles too, which lie a little off where an eye is guessed.
    fileprivate func eyesLie(in picture: PixelSize) -> Bool {
        let (across, down) = (rightEye.x - leftEye.x, rightEye.y - leftEye.y)
        let margin = 0.1 * (across * across + down * down).squareRoot()
        return [leftEye, rightEye].allSatisfy {
            $0.x >= margin && $0.y >= margin && $0.x <= Float(picture.width) - margin
                && $0.y <= Float(picture.height) - margin
        }
    }
}
