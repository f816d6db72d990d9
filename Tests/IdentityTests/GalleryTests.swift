import Messages
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct GalleryTests {
    private let one = UserID.random()
    private let other = UserID.random()
    private let third = UserID.random()

    @Test func whoeverComesNextIsOneOfEachOtherPerson() {
        var gallery = Gallery(width: 2)
        #expect(gallery.nearest(to: [[1, 0]], others: 4)[0].isEmpty)
        gallery.add(face(1, one), template: [1, 0])
        gallery.add(face(2, one), template: [0.8, 0.6])
        #expect(gallery.nearest(to: [[1, 0]], others: 4)[0].map(\.impostors) == [[]])
        gallery.add(face(3, other), template: [0, 1])
        gallery.add(face(4, third), template: [-1, 0])
        let neighbours = gallery.nearest(to: [[1, 0]], others: 4)[0]
        #expect(neighbours.map(\.face.user) == [one, other, third])
        #expect(neighbours.map(\.distance) == [0, 1, 2])
        #expect(neighbours[0].impostors == [0, -1])
        #expect(gallery.nearest(to: [[1, 0]], others: 1)[0][0].impostors == [0])
    }

    @Test func ofAUserTheNearestTemplateCounts() {
        var gallery = Gallery(width: 2)
        gallery.add(face(1, one), template: [1, 0])
        gallery.add(face(2, one), template: [0, 1])
        gallery.add(face(3, other), template: [0.6, 0.8])
        #expect(gallery.nearest(to: [0, 1], of: one)?.face.id == 2)
        #expect(gallery.nearest(to: [0, 1], of: other)?.face.id == 3)
        #expect(gallery.nearest(to: [0, 1], of: third) == nil)
        gallery.remove(2)
        #expect(gallery.nearest(to: [0, 1], of: one)?.face.id == 1)
        #expect(gallery.templates(of: one).map(\.id) == [1])
    }

    @Test func usersWhoWereMergedAreOnePersonAndKeepTheirOwnTemplates() {
        var gallery = Gallery(width: 2)
        gallery.add(face(1, one), template: [1, 0])
        gallery.add(face(2, other), template: [0, 1])
        gallery.add(face(2, other, as: one), template: [0, 1])
        #expect(gallery.nearest(to: [[0, 1]], others: 4)[0].map(\.face.id) == [2])
        for user in [one, other] { #expect(gallery.nearest(to: [1, 0], of: user)?.face.id == 1) }
        #expect(gallery.templates(of: one).map(\.id) == [1])
        #expect(gallery.templates(of: other).map(\.id) == [2])
        // Parted again, each is as before.
        gallery.add(face(2, other), template: [0, 1])
        #expect(gallery.nearest(to: [1, 0], of: other)?.face.id == 2)
        #expect(gallery.nearest(to: [[0, 1]], others: 4)[0].map(\.face.id) == [2, 1])
        #expect(gallery.count == 2)
    }

    private func face(_ id: Int64, _ user: UserID, as person: UserID? = nil) -> Gallery.Face {
        Gallery.Face(id: id, user: user, person: person ?? user, job: .random(), origin: .enrolment, distance: nil)
    }
}
