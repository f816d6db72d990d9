import CLibJPEG
import Foundation

@testable import Vision

/// How a test's JPEG is coded.
struct JPEGCoding {
    var colours = JCS_YCbCr
    /// Across and down, of the first plane and of black ink; the others have 1 x 1.
    var sampling: (Int32, Int32) = (1, 1)
    var isProgressive = false
    var isArithmetic = false
    /// A scan for each plane.
    var isInterleaved = true
    /// Units between two restart markers; 0 for none.
    var restart: UInt32 = 0
    /// Whether an Adobe marker says what the colours are.
    var saysAdobe: Bool?
}

extension Encoded {
    /// A JPEG by libjpeg.
    static func jpeg(_ image: RGBImage, _ coding: JPEGCoding) -> Data {
        switch coding.colours {
        case JCS_GRAYSCALE:
            let greys = stride(from: 0, to: image.pixels.count, by: 3).map { image.pixels[$0 + 1] }
            return jpeg(greys, of: JCS_GRAYSCALE, width: image.width, height: image.height, coding)
        case JCS_CMYK, JCS_YCCK:
            let inks = stride(from: 0, to: image.pixels.count, by: 3).flatMap { image.pixels[$0..<$0 + 3] + [255] }
            return jpeg(inks, of: JCS_CMYK, width: image.width, height: image.height, coding)
        default:
            return jpeg(image.pixels, of: JCS_RGB, width: image.width, height: image.height, coding)
        }
    }

    /// A JPEG of planes as they are.
    static func jpeg(
        _ pixels: [UInt8], of colours: J_COLOR_SPACE, width: Int, height: Int, _ coding: JPEGCoding
    ) -> Data {
        var errors = jpeg_error_mgr()
        var library = jpeg_compress_struct()
        var buffer: UnsafeMutablePointer<UInt8>?
        var size: UInt = 0
        library.err = jpeg_std_error(&errors)
        jpeg_CreateCompress(&library, JPEG_LIB_VERSION, MemoryLayout<jpeg_compress_struct>.size)
        jpeg_mem_dest(&library, &buffer, &size)
        library.image_width = JDIMENSION(width)
        library.image_height = JDIMENSION(height)
        let planes = pixels.count / (width * height)
        library.input_components = Int32(planes)
        library.in_color_space = colours
        jpeg_set_defaults(&library)
        jpeg_set_colorspace(&library, coding.colours)
        jpeg_set_quality(&library, 95, 1)
        library.arith_code = coding.isArithmetic ? 1 : 0
        library.restart_interval = coding.restart
        for plane in 0..<planes {
            let isFull = plane == 0 || plane == 3
            library.comp_info[plane].h_samp_factor = isFull ? coding.sampling.0 : 1
            library.comp_info[plane].v_samp_factor = isFull ? coding.sampling.1 : 1
        }
        if let saysAdobe = coding.saysAdobe { library.write_Adobe_marker = saysAdobe ? 1 : 0 }
        if coding.isProgressive { jpeg_simple_progression(&library) }
        let scans = (0..<planes).map { plane in
            jpeg_scan_info(
                comps_in_scan: 1, component_index: (Int32(plane), 0, 0, 0), Ss: 0, Se: 63, Ah: 0, Al: 0)
        }
        scans.withUnsafeBufferPointer { scans in
            if !coding.isInterleaved {
                library.scan_info = scans.baseAddress
                library.num_scans = Int32(planes)
            }
            jpeg_start_compress(&library, 1)
            var rows = pixels
            rows.withUnsafeMutableBufferPointer { rows in
                for y in 0..<height {
                    var row: JSAMPROW? = rows.baseAddress! + y * width * planes
                    jpeg_write_scanlines(&library, &row, 1)
                }
            }
            jpeg_finish_compress(&library)
        }
        jpeg_destroy_compress(&library)
        defer { free(buffer) }
        return Data(bytes: buffer!, count: Int(size))
    }
}

extension Data {
    /// Where the first marker of a kind stands, or the first after `start`.
    func marker(_ code: UInt8, after start: Int = 0) -> Int? {
        (start..<count - 1).first { self[$0] == 0xFF && self[$0 + 1] == code }
    }

    /// With bytes put in before the first marker of a kind.
    func inserting(_ bytes: [UInt8], before code: UInt8) -> Data {
        var data = self
        data.insert(contentsOf: bytes, at: marker(code)!)
        return data
    }

    /// With one byte changed, at an offset from the first marker of a kind.
    func setting(_ value: UInt8, at offset: Int, from code: UInt8) -> Data {
        var data = self
        data[marker(code)! + offset] = value
        return data
    }
}
