//! Goal: stored hashes and bucket numbers mean the same here and in ClickHouse. Method: answers that
//! ClickHouse gave.

use roost_engine::column::Column;
use roost_engine::types::text::parse;
use roost_engine::types::{DataType, Value};

use super::functions::{CITY, sip};
use super::{hash128_to_64, int_hash32, int_hash64, murmur};
use crate::functions::BindContext;
use crate::functions::cast::cast_column;

fn city(text: &str, ty: &str) -> u64 {
    let ty = parse(ty).unwrap();
    let start = Column::constant(&Value::string(text), &DataType::String, 1).unwrap();
    let column = cast_column(&start, &DataType::String, &ty, &BindContext::default()).unwrap();
    CITY.rows(&[column], &[ty], 1).unwrap()[0]
}

#[test]
fn city_hashes_are_clickhouses() {
    for (text, ty, expected) in [
        ("abc", "String", 4_220_206_313_085_259_313),
        ("", "String", 11_160_318_154_034_397_263),
        ("1", "UInt8", 10_577_349_846_663_553_072),
        ("1", "UInt64", 10_577_349_846_663_553_072),
        ("-1", "Int32", 9_168_733_277_332_772_950),
        ("1.5", "Float64", 7_287_324_520_655_339_053),
        ("1.5", "Float32", 17_641_193_269_776_743_632),
        ("[1,2]", "Array(UInt8)", 5_171_949_009_262_398_126),
        (
            "[[1],[2,3]]",
            "Array(Array(UInt8))",
            15_195_279_369_167_904_507,
        ),
        ("(1,'a')", "Tuple(UInt8, String)", 3_281_168_119_317_583_073),
        (
            "[(1,'a'),(2,'b')]",
            "Array(Tuple(UInt8, String))",
            14_617_701_568_871_014_978,
        ),
        ("2024-01-01", "Date", 17_926_335_993_026_704_938),
        ("2024-01-01 00:00:00", "DateTime", 5_791_596_602_125_319_507),
        (
            "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
            "UUID",
            17_345_439_983_272_262_203,
        ),
        ("1.5", "Decimal(9, 1)", 7_239_310_322_921_027_265),
        ("1.5", "Decimal(18, 1)", 10_856_196_156_974_990_156),
        ("1.5", "Decimal(38, 1)", 4_231_016_009_239_024_730),
        ("1", "UInt128", 201_160_255_169_616_649),
        ("abc", "FixedString(5)", 15_954_762_693_552_050_307),
        ("1.2.3.4", "IPv4", 5_715_546_585_361_069_049),
        ("::1", "IPv6", 3_747_971_208_336_161_882),
        ("a", "Enum8('a' = 1)", 10_577_349_846_663_553_072),
        (
            "2024-01-01 00:00:00",
            "DateTime64(3)",
            2_059_327_662_857_764_600,
        ),
    ] {
        assert_eq!(city(text, ty), expected, "{text} as {ty}");
    }
    assert_eq!(
        hash128_to_64(city("a", "String"), city("b", "String")),
        7_468_329_322_676_821_011
    );
}

#[test]
fn other_hashes_are_clickhouses() {
    assert_eq!(int_hash32(1), 1_343_103_100);
    assert_eq!(int_hash32(u64::MAX), 3_545_659_993);
    assert_eq!(int_hash64(1), 10_577_349_846_663_553_072);
    assert_eq!(sip(b"abc"), 4_596_069_200_710_135_518);
    assert_eq!(sip(&[1]), 7_385_293_435_322_750_976);
    assert_eq!(murmur::murmur2_32(b"abc"), 324_500_635);
    assert_eq!(murmur::murmur2_64(b"abc", 0), 11_297_775_770_902_552_315);
    assert_eq!(
        murmur::murmur2_64(b"abc", 0xc70f_6907),
        3_663_726_644_998_027_833
    );
    assert_eq!(murmur::murmur3_32(b"abc"), 3_017_643_002);
    assert_eq!(murmur::murmur3_64(b"abc"), 10_318_955_651_176_813_877);
}
