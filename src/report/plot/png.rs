//! A picture of few colors as PNG, for pictures inside of SVG: stored without compression, made here in full.
//!
//! A spectrogram has a value for every point; as rectangles it would make a file of megabytes that no viewer likes.
//! What is needed of PNG is four chunks, two checksums and base 64 (RFC 2083, RFC 1950, RFC 4648).

/// The largest block that deflate stores as it is.
const STORED_MAX: usize = 65_535;

/// A picture whose points are numbers of colors, row by row from the top.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexed {
    /// Points in a row.
    pub width: usize,
    /// Red, green and blue of each color, 256 at most.
    pub palette: Vec<[u8; 3]>,
    /// `width` points for each row.
    pub points: Vec<u8>,
}

impl Indexed {
    /// The picture as a PNG file. Rows that are not whole are left out.
    pub fn png(&self) -> Vec<u8> {
        let width = self.width.max(1);
        let height = self.points.len() / width;
        let mut head = Vec::new();
        head.extend((width as u32).to_be_bytes());
        head.extend((height as u32).to_be_bytes());
        // Eight bits a point, colors by their number, nothing else out of the ordinary.
        head.extend([8, 3, 0, 0, 0]);
        let mut rows = Vec::with_capacity((width + 1) * height);
        for row in self.points.chunks_exact(width) {
            rows.push(0); // no filter
            rows.extend_from_slice(row);
        }
        let mut file = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
        chunk(&mut file, *b"IHDR", &head);
        chunk(&mut file, *b"PLTE", &self.palette.concat());
        chunk(&mut file, *b"IDAT", &stored(&rows));
        chunk(&mut file, *b"IEND", &[]);
        file
    }

    /// The picture as an address that holds it.
    pub fn data_address(&self) -> String {
        format!("data:image/png;base64,{}", base64(&self.png()))
    }
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    file.extend((content.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(content);
    let check = crc32(&file[start..]);
    file.extend(check.to_be_bytes());
}

/// A zlib stream of stored blocks.
fn stored(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = content.len().div_ceil(STORED_MAX).max(1);
    for number in 0..blocks {
        let block = &content[number * STORED_MAX..((number + 1) * STORED_MAX).min(content.len())];
        let length = block.len() as u16;
        out.push(u8::from(number + 1 == blocks));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(content).to_be_bytes());
    out
}

fn crc32(content: &[u8]) -> u32 {
    !content.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

fn adler32(content: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in content {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

fn base64(content: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(content.len().div_ceil(3) * 4);
    for three in content.chunks(3) {
        let bits =
            three.iter().enumerate().fold(0, |bits, (n, byte)| bits | u32::from(*byte) << (16 - 8 * n));
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
            text.push(if n <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_digits_are_those_of_the_standards() {
        // The check values that RFC 1950 and the catalogue of CRCs print, and the test vectors of RFC 4648.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        for (content, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            assert_eq!(base64(content.as_bytes()), text);
        }
    }

    #[test]
    fn a_picture_has_the_chunks_of_a_png_and_every_point() {
        let picture = Indexed {
            width: 300,
            palette: vec![[0, 0, 0], [255, 128, 1]],
            points: (0..300 * 500).map(|n| u8::from(n % 7 == 0)).collect(),
        };
        let file = picture.png();
        // A walk over the chunks, with their checksums, as a reader does it.
        let (mut at, mut names, mut data) = (8, Vec::new(), Vec::new());
        while at < file.len() {
            let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            let body = &file[at + 4..at + 8 + length];
            let check = u32::from_be_bytes(file[at + 8 + length..at + 12 + length].try_into().unwrap());
            assert_eq!(crc32(body), check);
            names.push(String::from_utf8(body[..4].to_vec()).unwrap());
            if &body[..4] == b"IDAT" {
                data = body[4..].to_vec();
            }
            at += 12 + length;
        }
        assert_eq!(names, ["IHDR", "PLTE", "IDAT", "IEND"]);
        // Three stored blocks of at most 65 535 bytes.
        let (mut rows, mut at, mut last) = (Vec::new(), 2, false);
        while !last {
            last = data[at] == 1;
            let length = u16::from_le_bytes([data[at + 1], data[at + 2]]);
            assert_eq!(!length, u16::from_le_bytes([data[at + 3], data[at + 4]]));
            rows.extend_from_slice(&data[at + 5..at + 5 + usize::from(length)]);
            at += 5 + usize::from(length);
        }
        assert_eq!(rows.len(), 301 * 500);
        assert_eq!(data[at..], adler32(&rows).to_be_bytes());
        let points: Vec<u8> = rows.chunks(301).flat_map(|row| row[1..].to_vec()).collect();
        assert_eq!(points, picture.points);
    }
}
