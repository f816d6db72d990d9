import Messages

extension FaceAnalysis {
    /// A face as vision would describe it.
    static let sample = FaceAnalysis(
        image: PixelSize(width: 512, height: 512),
        face: Face(
            box: Box(x: 168.5, y: 62.25, width: 112, height: 146),
            landmarks: Landmarks(
                leftEye: Point(x: 195, y: 118), rightEye: Point(x: 245, y: 117), nose: Point(x: 219, y: 143),
                leftMouth: Point(x: 199, y: 166), rightMouth: Point(x: 243, y: 165)),
            probability: 0.9998, quality: FaceQuality(size: 112, sharpness: 340.5, yaw: 0.03)),
        mood: Mood(
            name: .happy, scores: ["happy": 0.9, "surprised": 0.05, "neutral": 0.04, "upset": 0.01],
            expression: "happiness", expressions: ["happiness": 0.9, "neutral": 0.1]),
        reaction: Reaction(rating: 1, distance: 0.42, reference: "laugh"), models: ["identity": "facenet-1"])
}
