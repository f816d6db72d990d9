/// Identity decided whose face it is, or that it cannot tell.
package struct PersonIdentified: Message, Codable, Hashable {
    package static let name = "person-identified"

    package var request: SelfieRequest
    package var analysis: FaceAnalysis
    package var person: Person

    package init(request: SelfieRequest, analysis: FaceAnalysis, person: Person) {
        self.request = request
        self.analysis = analysis
        self.person = person
    }
}

/// Who a face belongs to.
package struct Person: Codable, Hashable, Sendable {
    /// How sure identity is.
    package enum Standing: String, Codable, Hashable, Sendable {
        /// Nobody known looks like this; a user was made.
        case new
        /// Within the match threshold of a known user.
        case returning
        /// Neither matched nor enrolled; `reason` says why.
        case uncertain
    }

    /// Why a person is uncertain.
    package enum Reason: String, Codable, Hashable, Sendable {
        /// The nearest user is too far to be the same and too near to be another: a second picture or `as=new` decides.
        case ambiguous
        /// Somebody was erased while the picture waited. It may show them, so nobody is made of it: a new picture decides.
        case erasedMeanwhile = "erased_meanwhile"
        case faceTooSmall = "face_too_small"
        case faceBlurred = "face_blurred"
        case faceTurned = "face_turned"
        /// An eye lies outside the picture.
        case faceCutOff = "face_cut_off"
        /// The detector is not sure that this is a face, or sees too little of it.
        case faceUnclear = "face_unclear"
    }

    /// How a returning person was found.
    package enum Means: String, Codable, Hashable, Sendable {
        /// One of the request's claims holds: the face was compared with that user alone.
        case claim
        /// By comparing the face with everybody known.
        case search
    }

    package var standing: Standing
    /// The user; `nil` when uncertain.
    package var user: UserID?
    /// How a returning person was found; `nil` for everybody else.
    package var by: Means?
    /// Cosine distance to the user nearest by it, normalised by cohort and impostors (0 or more), as it is compared with the
    /// thresholds; `nil` when nobody was compared.
    package var distance: Float?
    package var reason: Reason?
    /// Other users whose faces are so like this one's that they may be the same person; `nil` where there are none.
    package var sameAs: [UserID]?

    package init(
        standing: Standing, user: UserID?, by: Means? = nil, distance: Float?, reason: Reason? = nil,
        sameAs: [UserID]? = nil
    ) {
        self.standing = standing
        self.user = user
        self.by = by
        self.distance = distance
        self.reason = reason
        self.sameAs = sameAs
    }
}
