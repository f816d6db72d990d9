/// Why a template is kept.
package enum FaceOrigin: String, Hashable, Sendable {
    /// The user was made of it.
    case enrolment
    /// It looked as the user whom the request claimed.
    case claim
    /// Among everybody it looked as this user.
    case search
    /// An earlier network knew the user by it.
    case migration
}
