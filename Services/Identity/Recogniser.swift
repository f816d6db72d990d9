internal import Messages
internal import Metrics
internal import ModelManifest

/// A face to recognise.
struct Sighting: Sendable {
    var job: JobID
    /// A unit vector of the gallery's network version.
    var template: [Float]
    var quality: FaceQuality
    var declaredNew: Bool
}

/// Matches faces with the gallery and enrols those that are nobody's.
struct Recogniser: Sendable {
    let gallery: Gallery
    let store: Store
    let thresholds: Identification

    /// Recognises faces that waited together: one search for all, then an enrolment for each that needs one.
    func recognise(_ sightings: [Sighting]) async -> [Result<Person, any Error>] {
        var persons = [Result<Person, any Error>?](repeating: nil, count: sightings.count)
        var compared: [Int] = []
        for (index, sighting) in sightings.enumerated() {
            // A job that comes twice finds the face it enrolled, and would take it for a match.
            if let face = await gallery.face(enrolledBy: sighting.job) {
                persons[index] = .success(Person(enrolled: face))
            } else if let defect = Decision.defect(of: sighting.quality, thresholds) {
                persons[index] = .success(Person(standing: .uncertain, user: nil, distance: nil, reason: defect))
            } else {
                compared.append(index)
            }
        }
        let nearest = await gallery.nearest(to: compared.map { sightings[$0].template })
        for (index, nearest) in zip(compared, nearest) {
            let sighting = sightings[index]
            do {
                persons[index] = .success(try await person(sighting, nearest))
            } catch {
                persons[index] = .failure(error)
            }
        }
        return persons.map { person in
            guard let person else { preconditionFailure("every sighting has an outcome") }
            if case .success(let person) = person {
                Counter(label: "mien_identity_decisions_total", dimensions: [("standing", person.standing.rawValue)])
                    .increment()
            }
            return person
        }
    }

    private func person(_ sighting: Sighting, _ nearest: Nearest?) async throws -> Person {
        switch Decision(nearest: nearest, declaredNew: sighting.declaredNew, thresholds) {
        case .match(let nearest):
            return Person(standing: .returning, user: nearest.user, distance: nearest.distance)
        case .uncertain(let reason, let distance):
            return Person(standing: .uncertain, user: nil, distance: distance, reason: reason)
        case .enrol:
            return try await enrol(sighting)
        }
    }

    /// Enrols alone of all workers, after looking once more with all that the others have done.
    private func enrol(_ sighting: Sighting) async throws -> Person {
        try await store.alone { connection, enrolment in
            if let face = try enrolment.face(enrolledBy: sighting.job, connection) { return Person(enrolled: face) }
            while true {
                let changes = try enrolment.changes(after: await gallery.sequence, connection)
                await gallery.apply(changes)
                if changes.count < Store.changesAtOnce { break }
            }
            let nearest = await gallery.nearest(to: [sighting.template])[0]
            switch Decision(nearest: nearest, declaredNew: sighting.declaredNew, thresholds) {
            case .match(let nearest):
                return Person(standing: .returning, user: nearest.user, distance: nearest.distance)
            case .uncertain(let reason, let distance):
                return Person(standing: .uncertain, user: nil, distance: distance, reason: reason)
            case .enrol(let distance):
                let user = UserID.random()
                try enrolment.insert(
                    user: user, job: sighting.job, template: sighting.template, distance: distance, connection)
                return Person(standing: .new, user: user, distance: distance)
            }
        }
    }
}

extension Person {
    init(enrolled face: EnrolledFace) {
        self.init(standing: .new, user: face.user, distance: face.distance)
    }
}
