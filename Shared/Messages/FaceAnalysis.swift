/// Everything that is seen in a picture and may be told to the client.
package struct FaceAnalysis: Codable, Hashable, Sendable {
    /// Width and height of the upright picture, in pixels.
    package var image: PixelSize
    package var face: Face
    package var mood: Mood
    /// Present when the request named a video playing.
    package var reaction: Reaction?
    /// Versions of the networks that saw it, by network name.
    package var models: [String: String]

    package init(image: PixelSize, face: Face, mood: Mood, reaction: Reaction?, models: [String: String]) {
        self.image = image
        self.face = face
        self.mood = mood
        self.reaction = reaction
        self.models = models
    }
}

/// A picture's size in pixels, after its EXIF orientation was applied.
package struct PixelSize: Codable, Hashable, Sendable {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
}

/// A position in the upright picture, in pixels from its top left corner.
package struct Point: Codable, Hashable, Sendable {
    package var x: Float
    package var y: Float

    package init(x: Float, y: Float) {
        self.x = x
        self.y = y
    }
}

/// An upright rectangle in the upright picture, in pixels.
package struct Box: Codable, Hashable, Sendable {
    package var x: Float
    package var y: Float
    package var width: Float
    package var height: Float

    package init(x: Float, y: Float, width: Float, height: Float) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

/// The five points that MTCNN marks; left and right are the picture's once the face is upright. They may lie outside a picture
/// that cuts the face off.
package struct Landmarks: Codable, Hashable, Sendable {
    package var leftEye: Point
    package var rightEye: Point
    package var nose: Point
    package var leftMouth: Point
    package var rightMouth: Point

    package init(leftEye: Point, rightEye: Point, nose: Point, leftMouth: Point, rightMouth: Point) {
        self.leftEye = leftEye
        self.rightEye = rightEye
        self.nose = nose
        self.leftMouth = leftMouth
        self.rightMouth = rightMouth
    }
}

/// The largest face in a picture, among those about as certain as the most certain one.
package struct Face: Codable, Hashable, Sendable {
    /// As far as it lies in the picture.
    package var box: Box
    package var landmarks: Landmarks
    /// The detector's probability that this is a face, 0...1.
    package var probability: Float
    package var quality: FaceQuality

    package init(box: Box, landmarks: Landmarks, probability: Float, quality: FaceQuality) {
        self.box = box
        self.landmarks = landmarks
        self.probability = probability
        self.quality = quality
    }
}

/// What decides whether a face is fit to be recognised; the identity network's card defines the measures.
package struct FaceQuality: Codable, Hashable, Sendable {
    /// The shorter side of the box, in pixels really looked at: a large picture's may be taken at a half, a quarter or an eighth.
    package var size: Float
    /// Variance of the 3 x 3 Laplacian of the aligned crop's luma (0...255).
    package var sharpness: Float
    /// The nose's offset from the middle of the eyes along the eye axis, over the distance of the eyes: 0 is frontal.
    package var yaw: Float

    package init(size: Float, sharpness: Float, yaw: Float) {
        self.size = size
        self.sharpness = sharpness
        self.yaw = yaw
    }
}

/// The four moods that choose keywords.
package enum MoodName: String, Codable, Hashable, Sendable, CaseIterable {
    case happy
    case surprised
    case neutral
    case upset
}

/// How somebody looks to feel.
package struct Mood: Codable, Hashable, Sendable {
    /// The mood with the highest score.
    package var name: MoodName
    /// Probabilities of the four moods by name; they sum to 1.
    package var scores: [String: Float]
    /// The strongest single expression, a key of `expressions`.
    package var expression: String
    /// Probabilities of the single expressions behind the moods, by the network's own labels.
    package var expressions: [String: Float]

    package init(name: MoodName, scores: [String: Float], expression: String, expressions: [String: Float]) {
        self.name = name
        self.scores = scores
        self.expression = expression
        self.expressions = expressions
    }
}

/// Whether an expression says "I enjoy this": the paper's f(user).
package struct Reaction: Codable, Hashable, Sendable {
    /// 1 when the nearest reference expression is within tau, else 0.
    package var rating: Int
    /// Euclidean distance to that reference between unit vectors, 0...2.
    package var distance: Float
    /// Its name.
    package var reference: String

    package init(rating: Int, distance: Float, reference: String) {
        self.rating = rating
        self.distance = distance
        self.reference = reference
    }
}
